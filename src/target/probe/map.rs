//! The chip's flash: which addresses it has, and in which sectors it is erased.

use probe_rs::config::{MemoryRegion, NvmRegion, Target};

use super::chip::Family;
use super::error::FitFault;
use crate::image::{Address, Span};

/// A run of flash with one way of erasing it.
#[derive(Debug, Clone)]
struct Area {
    span: Span,
    /// Where the sectors' addresses count from.
    base: u64,
    /// First address behind the base, and size of each sector from there on; in order.
    groups: Vec<(u64, u64)>,
    /// What an erased byte reads as.
    erased: u8,
    /// What it is, where it is not plain flash.
    reserved: Option<&'static str>,
}

/// All flash of a chip.
#[derive(Debug, Clone)]
pub struct FlashMap {
    chip: String,
    areas: Vec<Area>,
}

/// A sector: what is erased at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sector {
    /// Where it is.
    pub span: Span,
    /// What an erased byte of it reads as.
    pub erased: u8,
}

impl FlashMap {
    /// Reads the description of a target.
    pub fn of(target: &Target, family: Option<&Family>) -> Self {
        let regions = target.memory_map.iter().filter_map(|region| match region {
            MemoryRegion::Nvm(region) => Some(region),
            _ => None,
        });
        let areas = regions.filter_map(|region| area(target, family, region));
        Self {
            chip: target.name.clone(),
            areas: areas.collect(),
        }
    }

    /// Returns the first sector's address, where anything is flash: a place that must be readable.
    pub fn first(&self) -> Option<Address> {
        let plain = self.areas.iter().filter(|area| area.reserved.is_none());
        plain.map(|area| area.span.start()).min()
    }

    /// Returns the bytes of plain flash.
    pub fn size(&self) -> u64 {
        let plain = self.areas.iter().filter(|area| area.reserved.is_none());
        plain.map(|area| area.span.len()).sum()
    }

    /// Refuses what is no flash, and what is reserved unless it lies in `also`.
    pub fn allow(&self, span: Span, also: &[Span]) -> Result<(), FitFault> {
        let mut rest = vec![span];
        for area in &self.areas {
            let Some(part) = span.intersection(area.span) else {
                continue;
            };
            if let Some(name) = area.reserved
                && !also.iter().any(|also| also.contains(part))
            {
                return Err(FitFault::Reserved {
                    span: part,
                    area: name,
                });
            }
            rest = Span::outside(rest, [part]);
        }
        match rest.first() {
            Some(span) => Err(FitFault::NoFlash {
                span: *span,
                chip: self.chip.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Returns the sectors that hold any byte of `spans`, in order of address.
    pub fn sectors(&self, spans: &[Span]) -> Result<Vec<Sector>, FitFault> {
        let mut sectors: Vec<Sector> = Vec::new();
        for span in spans {
            let mut at = span.start();
            while at < span.end() {
                let sector = self.sector(at).ok_or_else(|| FitFault::NoFlash {
                    span: *span,
                    chip: self.chip.clone(),
                })?;
                at = sector.span.end();
                if !sectors.contains(&sector) {
                    sectors.push(sector);
                }
            }
        }
        sectors.sort_by_key(|sector| sector.span);
        Ok(sectors)
    }

    /// Returns the sector around an address.
    fn sector(&self, at: Address) -> Option<Sector> {
        let inside = |area: &&Area| area.span.start() <= at && at < area.span.end();
        let area = self.areas.iter().find(inside)?;
        let offset = at.get().checked_sub(area.base)?;
        let mut groups = area.groups.iter().rev();
        let (first, size) = groups.find(|(first, _)| *first <= offset)?;
        let number = offset.checked_sub(*first)?.checked_div(*size)?;
        let start = number.checked_mul(*size)?.checked_add(*first)?;
        let start = Address::new(start.checked_add(area.base)?);
        Some(Sector {
            span: Span::new(start, *size)?,
            erased: area.erased,
        })
    }
}

/// Reads one region.
fn area(target: &Target, family: Option<&Family>, region: &NvmRegion) -> Option<Area> {
    let (start, end) = (region.range.start, region.range.end);
    let span = Span::between(Address::new(start), Address::new(end))?;
    let mut fitting: Vec<_> = target
        .flash_algorithms
        .iter()
        .map(|algorithm| (algorithm.default, &algorithm.flash_properties))
        .filter(|(_, flash)| flash.address_range.contains(&start))
        .collect();
    fitting.sort_by_key(|(default, _)| !default);
    let (_, flash) = fitting.first()?;
    let mut groups: Vec<(u64, u64)> = flash
        .sectors
        .iter()
        .filter(|sector| sector.size > 0)
        .map(|sector| (sector.address, sector.size))
        .collect();
    groups.sort_unstable();
    let known = family.and_then(|family| family.reserves(span.start()));
    let odd = region.is_alias || !region.is_readable();
    Some(Area {
        span,
        base: flash.address_range.start,
        groups,
        erased: flash.erased_byte_value,
        reserved: known.or(odd.then_some("memory beside the flash")),
    })
}
