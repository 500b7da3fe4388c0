use eol_inject::handoff::HandoffError;
use eol_inject::image::{Address, ImageError, Span};
use strum::VariantNames as _;

use super::{Sample, listing};

#[test]
fn handoff_errors() {
    let span = Span::new(Address::new(0x10), 4).unwrap();
    let samples = [
        HandoffError::Patches {
            needs: 9,
            longest: 32,
            most: 4,
        },
        HandoffError::Bytes {
            needs: 96,
            most: 80,
        },
        HandoffError::Address {
            at: Address::new(0x0800_0000),
            base: Address::new(0x0900_0000),
        },
        HandoffError::from(ImageError::Outside {
            span,
            first: span.start(),
        }),
    ]
    .map(|error| Sample(error.name(), Box::new(error)));
    insta::assert_snapshot!(listing(HandoffError::VARIANTS, &samples));
}
