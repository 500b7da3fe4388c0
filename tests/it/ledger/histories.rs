//! Random histories: whatever is asked in whatever order, every back end answers as the model does.

use eol_inject::ledger::{Clear, LedgerError, Share};
use eol_inject::recipe::SerialFormat;
use proptest::prelude::*;

use super::*;

/// What somebody does. Numbers choose among few serials, boards, lists and parts, so that they meet.
#[derive(Debug, Clone)]
enum Step {
    /// A list, each of them another time too; every third one fixes its tokens to serials.
    Import(usize),
    /// A group of serials, each on a board or for a file.
    Claim(Vec<(usize, Option<usize>)>),
    Confirm,
    Fail(bool),
    Label(usize),
    Release(usize),
    Void(usize),
    Numbers(usize),
    GiveBack(usize),
    Split(usize),
    SplitSerial(usize),
    Handed(i64),
    VoidPart(i64),
    Restored,
    ClearAll,
    Clear(usize),
    /// The program ends with all that it holds, and is started again.
    Again,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let units = (0..6_usize, proptest::option::of(0..4_usize));
    let step = prop_oneof![
        3 => (0..4_usize).prop_map(Step::Import),
        8 => proptest::collection::vec(units, 1..4).prop_map(Step::Claim),
        6 => Just(Step::Confirm),
        2 => any::<bool>().prop_map(Step::Fail),
        2 => (0..6_usize).prop_map(Step::Label),
        2 => (0..6_usize).prop_map(Step::Release),
        2 => (0..6_usize).prop_map(Step::Void),
        1 => (1..4_usize).prop_map(Step::Numbers),
        1 => (1..6_usize).prop_map(Step::GiveBack),
        1 => (1..3_usize).prop_map(Step::Split),
        1 => (0..6_usize).prop_map(Step::SplitSerial),
        1 => (1..4_i64).prop_map(Step::Handed),
        1 => (1..4_i64).prop_map(Step::VoidPart),
        1 => Just(Step::Restored),
        1 => Just(Step::ClearAll),
        1 => (0..6_usize).prop_map(Step::Clear),
        1 => Just(Step::Again),
    ];
    proptest::collection::vec(step, 1..40)
}

fn named(n: usize) -> Serial {
    serial(&format!("S{n}"))
}

fn format() -> SerialFormat {
    SerialFormat::try_from("N{:03}".to_owned()).unwrap()
}

/// Says what was answered, without what no two ledgers share: hashes and times.
fn said<T>(answer: Result<T, LedgerError>, word: impl FnOnce(T) -> String) -> String {
    match answer {
        Ok(answer) => word(answer),
        Err(error) => error.name().to_owned(),
    }
}

/// A ledger, and what one program holds of it.
struct Subject {
    bench: Box<dyn Bench>,
    /// Absent while the program is started again.
    ledger: Option<Ledger>,
    held: Vec<Reservation>,
}

impl Subject {
    fn new(bench: Box<dyn Bench>) -> Self {
        let ledger = Some(bench.open("L1"));
        Self {
            bench,
            ledger,
            held: Vec::new(),
        }
    }

    fn claim(&mut self, units: &[(usize, Option<usize>)]) -> String {
        let claims: Vec<Claim> = units
            .iter()
            .map(|(n, board)| match board {
                Some(board) => on_board(&format!("S{n}"), &format!("u{board}")),
                None => claim(&format!("S{n}")),
            })
            .collect();
        let answers = self.ledger.as_mut().unwrap().reserve(&claims);
        said(answers, |answers| {
            let words = answers.into_iter().map(|answer| match answer {
                Ok(Attempt::Go(held)) => {
                    let word = format!("{} {}", held.serial(), held.fingerprint());
                    self.held.push(held);
                    word
                }
                Ok(Attempt::Done { .. }) => "done".to_owned(),
                Err(refusal) => <&str>::from(&refusal).to_owned(),
            });
            words.collect::<Vec<_>>().join(", ")
        })
    }

    fn take(&mut self, step: &Step) -> String {
        let (ledger, by) = (self.ledger.as_mut().unwrap(), actor("L1"));
        let done = |()| "done".to_owned();
        match step {
            Step::Import(n) => {
                let rows = (4 * n..4 * n + 4).map(|index| Row {
                    bound: (*n == 2).then(|| named(index % 4)),
                    ..row(index)
                });
                said(ledger.import(&list(rows), &by), |done| {
                    format!("{} new, {} known", done.added, done.known)
                })
            }
            Step::Claim(units) => self.claim(units),
            Step::Confirm => {
                let held: Vec<_> = self.held.drain(..).collect();
                let with = |held: Reservation| {
                    let receipt = receipt(&held);
                    (held, receipt)
                };
                let pairs: Vec<_> = held.into_iter().map(with).collect();
                said(ledger.confirm(&pairs), |entries| {
                    let states = entries.iter().map(|entry| entry.record().state.to_string());
                    states.collect::<Vec<_>>().join(", ")
                })
            }
            Step::Fail(touched) => match self.held.pop() {
                Some(held) => said(ledger.fail(held, &failure(*touched)), done),
                None => String::new(),
            },
            Step::Label(n) => said(ledger.labelled(&named(*n), &by), |entry| {
                entry.record().state.to_string()
            }),
            Step::Release(n) => said(ledger.release(&named(*n), &by), |unit| {
                unit.state.to_string()
            }),
            Step::Void(n) => said(ledger.void(&named(*n), &by), |unit| unit.state.to_string()),
            Step::Numbers(count) => said(ledger.next_serials(&format(), *count), |serials| {
                format!("{serials:?}")
            }),
            Step::GiveBack(n) => {
                let serial = serial(&format!("N{n:03}"));
                said(ledger.give_back(&format(), &serial), done)
            }
            Step::Split(count) => {
                let station = (format!("P{count}"), recipient());
                let split = ledger.split((&station.0, &station.1), &Share::Loose(*count), &by);
                said(split, |handing| handing.part().number.to_string())
            }
            Step::SplitSerial(n) => {
                let share = Share::Serials(vec![named(*n)]);
                let split = ledger.split(("P9", &recipient()), &share, &by);
                said(split, |handing| handing.part().number.to_string())
            }
            Step::Handed(part) => said(ledger.handed(*part, &by), |part| part.state.to_string()),
            Step::VoidPart(part) => {
                said(ledger.void_part(*part, &by), |part| part.state.to_string())
            }
            Step::Restored => {
                // Nobody holds anything of a ledger that was just brought back.
                self.take(&Step::Again);
                let ledger = self.ledger.as_mut().unwrap();
                said(ledger.restored(None, &by), |aside| format!("{aside:?}"))
            }
            Step::ClearAll => said(ledger.clear(&Clear::All, &by), |done| format!("{done:?}")),
            Step::Clear(n) => {
                let which = Clear::Serials(vec![named(*n)]);
                said(ledger.clear(&which, &by), |done| format!("{done:?}"))
            }
            Step::Again => {
                self.held.clear();
                drop(self.ledger.take());
                self.ledger = Some(self.bench.open("L1"));
                String::new()
            }
        }
    }

    /// Says what is stored, without hashes and times.
    fn stored(&self) -> String {
        let ledger = self.ledger.as_ref().unwrap();
        let mut lines = vec![format!("{:?}", ledger.stock().unwrap())];
        let unit = |unit: UnitRecord| {
            format!(
                "{} {} {} {:?} {:?} {} {:?}",
                unit.serial,
                unit.state,
                unit.fingerprint,
                unit.uid,
                unit.outcome,
                unit.attempt,
                unit.labelled_at.is_some()
            )
        };
        ledger
            .units(&mut |record| lines.push(unit(record)))
            .unwrap();
        ledger
            .tokens(&mut |token| lines.push(format!("{} {}", token.fingerprint, token.state)))
            .unwrap();
        for part in ledger.parts().unwrap() {
            let (number, state) = (part.number, part.state);
            lines.push(format!("{number} {state} {} {}", part.tokens, part.listed));
        }
        for n in 0..6 {
            let history = ledger.history(&named(n)).unwrap();
            let kinds: Vec<String> = history.into_iter().map(|event| event.kind).collect();
            lines.push(format!("S{n}: {kinds:?}"));
        }
        lines.push(format!("{:?}", ledger.audit().unwrap().findings));
        lines.join("\n")
    }
}

/// All that there is on this computer, the model first.
fn subjects() -> Vec<(&'static str, Subject)> {
    #[allow(unused_mut, reason = "without a server there is the model alone")]
    let mut all: Vec<(&'static str, Box<dyn Bench>)> = vec![("model", Box::new(InMemory::new()))];
    #[cfg(feature = "sqlite")]
    all.push(("sqlite", Box::new(super::sqlite::InFile::new())));
    #[cfg(all(feature = "postgres", unix))]
    all.extend(
        super::postgres::OnServer::new()
            .map(|bench| -> (_, Box<dyn Bench>) { ("postgres", Box::new(bench)) }),
    );
    let opened = all.into_iter();
    opened
        .map(|(name, bench)| (name, Subject::new(bench)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_back_end_answers_as_the_model_does(steps in steps()) {
        let mut subjects = subjects();
        for step in &steps {
            let mut wanted = None;
            for (name, subject) in &mut subjects {
                let answer = subject.take(step);
                let wanted = wanted.get_or_insert_with(|| answer.clone());
                prop_assert_eq!(&*wanted, &answer, "{:?} on {}", step, name);
            }
        }
        let mut wanted = None;
        for (name, subject) in &subjects {
            let stored = subject.stored();
            let wanted = wanted.get_or_insert_with(|| stored.clone());
            prop_assert_eq!(&*wanted, &stored, "stored on {}", name);
        }
    }
}
