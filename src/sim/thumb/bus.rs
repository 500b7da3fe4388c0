//! What the core sees outside its registers. It must not know any address.

/// Width of one bus access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 8 bits.
    Byte,
    /// 16 bits.
    Half,
    /// 32 bits.
    Word,
}

impl Size {
    /// Returns the width in bytes.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Size::Byte => 1,
            Size::Half => 2,
            Size::Word => 4,
        }
    }

    /// Returns a mask that keeps this many low bits.
    #[must_use]
    pub const fn mask(self) -> u32 {
        match self {
            Size::Byte => 0xff,
            Size::Half => 0xffff,
            Size::Word => u32::MAX,
        }
    }
}

/// An access that nothing answered, with its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusFault(pub u32);

/// What the core sees outside its registers.
pub trait Bus {
    /// Reads `size` bytes, little-endian, into the low bits.
    ///
    /// # Errors
    /// [`BusFault`] where nothing is mapped or the access is refused.
    fn read(&mut self, address: u32, size: Size) -> Result<u32, BusFault>;

    /// Writes the low `size` bytes of `value`, little-endian.
    ///
    /// # Errors
    /// [`BusFault`] where nothing is mapped or the access is refused.
    fn write(&mut self, address: u32, size: Size, value: u32) -> Result<(), BusFault>;
}
