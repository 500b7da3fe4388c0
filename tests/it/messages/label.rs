use eol_inject::label::LabelError;
use eol_inject::ledger::UnitState;
use eol_inject::qr::PictureError;
use strum::VariantNames as _;

use super::{Sample, listing};

#[test]
fn label_errors() {
    let serial = || "GW000001".parse().unwrap();
    let samples = [
        LabelError::NotFinished {
            serial: serial(),
            state: UnitState::Void,
        },
        LabelError::NoOrganisation { serial: serial() },
        LabelError::NoQr { serial: serial() },
        LabelError::Picture {
            serial: serial(),
            source: PictureError::Undecodable,
        },
        LabelError::Differs { serial: serial() },
        LabelError::TooLong { serial: serial() },
        LabelError::Draw { serial: serial() },
        LabelError::Remove {
            file: "labels/GW000001.png".into(),
            reason: "Permission denied (os error 13)".to_owned(),
        },
        LabelError::Write {
            file: "labels/GW000001.png".into(),
            reason: "No space left on device (os error 28)".to_owned(),
        },
    ]
    .map(|error| Sample(error.name(), Box::new(error)));
    insta::assert_snapshot!(listing(LabelError::VARIANTS, &samples));
}
