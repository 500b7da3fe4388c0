//! The one next action that helps after an error: the screen's sentence and the `action` of
//! `--json` are the same row.

/// Makes the enum of next actions: each with its word for programs, and its sentence.
macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident $word:literal $sentence:literal;)*) => {
        /// What is done next. Who stands at the line reads [`sentence`](Self::sentence), programs
        /// read [`action`](Self::action).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Next { $($(#[$doc])* $action,)* }

        impl Next {
            /// Returns the word for programs: `next`, `retry`, `quarantine` or `stop`.
            pub(crate) const fn action(self) -> &'static str {
                match self { $(Self::$action => $word,)* }
            }

            /// Returns the sentence for who stands at the line.
            pub(crate) const fn sentence(self) -> &'static str {
                match self { $(Self::$action => $sentence,)* }
            }
        }
    };
}

actions! {
    /// The scan was no serial of this product: no unit is at fault.
    Scan "retry" "scan again: nothing was begun";
    /// Serial and label did not come together.
    Pair "retry" "scan this unit's serial and its label again";
    /// The right serial is another one.
    Other "retry" "scan the right serial: nothing was begun";
    /// The serial has become another one.
    Renamed "retry" "scan the serial that the unit has now";
    /// The board is not reached.
    Seat "retry" "retry: seat the unit and scan it again";
    /// The board hangs.
    Power "retry" "retry: take the unit's power away, give it back, and scan it again";
    /// It may have been chance.
    Once "retry" "retry once: scan it again; if it fails again, set the unit aside";
    /// It may have been chance, but not the unit.
    Tool "retry" "retry once: scan it again; if it fails again, call the line engineer";
    /// Somebody else has it in hand.
    Later "retry" "retry later: somebody else has it in hand; go on with another unit";
    /// The disk or folder is at fault.
    Mend "retry" "put this right, then make the same serial again";
    /// The label can be made afterwards.
    Print "next" "next unit; label print makes this label when the reason is gone";
    /// The label cannot be made.
    NoLabel "next" "next unit; tell the line engineer that this one gets no label";
    /// The label belongs elsewhere.
    TakeOff "quarantine" "take the label off, and set the unit aside";
    /// The label must not stay in use.
    Destroy "quarantine" "take the label off and destroy it, and set the unit aside";
    /// A finished unit is still on the fixture.
    Off "retry" "take HOLDER off the fixture: it is done; seat the next board and scan SERIAL";
    /// The board is another unit.
    ThatUnit "retry" "scan HOLDER for the board that is there, or seat the board of SERIAL";
    /// The unit is another board.
    ItsBoard "retry" "seat the board of SERIAL, or scan the serial of the one that is there";
    /// Nobody knows whose board it is.
    Strange "quarantine" "set this board aside for the line engineer; seat another one for SERIAL";
    /// The unit must not be made now.
    Aside "quarantine" "set the unit aside: scanning it again does not help";
    /// The board is another product's.
    Swap "quarantine" "set the board aside: it is not this product's; seat the right one";
    /// The chip does not let itself be written.
    Chip "quarantine" "set the unit aside for the line engineer: scanning it again does not help";
    /// Nobody knows what the board carries.
    Doubt "quarantine" "set the unit aside, marked SERIAL: it is in doubt until somebody decides";
    /// What the unit has to carry does not fit.
    Misfit "quarantine" "set the unit aside: tell the line engineer which serial it has";
    /// What reaches boards is gone.
    Reach "stop" "the run stops: put this right, then start it again";
    /// No token is left.
    Tokens "stop" "stop: more tokens have to be imported; call the line engineer";
    /// The ledger cannot be worked with.
    Ledger "stop" "stop: the ledger cannot be worked with; call the line engineer";
    /// The recipe, or what it names, is at fault.
    Recipe "stop" "stop: call the line engineer";
    /// The factory's own system cannot be asked.
    Mes "stop" "stop: the factory's system cannot be asked; call the line engineer";
    /// The program was called wrong.
    Call "stop" "stop: start it again, called as its help says";
}

impl Next {
    /// Returns why the run ends, where no other unit would fare better.
    pub(crate) const fn stops(self) -> Option<&'static str> {
        match self {
            Self::Reach => Some("the probe or programmer is gone"),
            Self::Tokens => Some("no token is left"),
            Self::Ledger => Some("the ledger cannot be worked with"),
            Self::Recipe => Some("the recipe has to be put right"),
            Self::Call => Some("it was called wrong"),
            Self::Mes => Some("the factory's system cannot be asked"),
            _ => None,
        }
    }

    /// Returns whether only the hand was at fault, that scanned or seated: a shaky hand says nothing about the line.
    pub(crate) const fn is_scan(self) -> bool {
        matches!(
            self,
            Self::Scan | Self::Other | Self::Renamed | Self::Off | Self::ThatUnit | Self::ItsBoard
        )
    }
}
