/// x
pub struct BlnkInf;
