//! The catalogue of parametrised CRC algorithms, by name.
//!
//! Source: Greg Cook, "Catalogue of parametrised CRC algorithms", CRC RevEng,
//! <https://reveng.sourceforge.io/crc-catalogue/all.htm>, as the `crc` crate carries it.

use crc_fast::CrcAlgorithm as Fast;

/// The parameters of one algorithm, in the narrowest register that holds it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Parameters {
    W8(&'static crc::Algorithm<u8>),
    W16(&'static crc::Algorithm<u16>),
    W32(&'static crc::Algorithm<u32>),
    W64(&'static crc::Algorithm<u64>),
    W128(&'static crc::Algorithm<u128>),
}

use Parameters::{W8, W16, W32, W64, W128};

/// One algorithm of the catalogue.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) name: &'static str,
    /// Other names that the catalogue knows it by.
    pub(crate) aliases: &'static [&'static str],
    /// Its parameters.
    pub(crate) parameters: Parameters,
    /// The same algorithm with the machine's carry-less multiplication.
    pub(crate) fast: Option<Fast>,
}

const fn entry(
    name: &'static str,
    aliases: &'static [&'static str],
    parameters: Parameters,
    fast: Option<Fast>,
) -> Entry {
    Entry {
        name,
        aliases,
        parameters,
        fast,
    }
}

/// Every algorithm, in the catalogue's order.
#[rustfmt::skip]
pub(crate) static CATALOGUE: &[Entry] = &[
    entry("CRC-3/GSM", &[], W8(&crc::CRC_3_GSM), None),
    entry("CRC-3/ROHC", &[], W8(&crc::CRC_3_ROHC), None),
    entry("CRC-4/G-704", &["CRC-4/ITU"], W8(&crc::CRC_4_G_704), None),
    entry("CRC-4/INTERLAKEN", &[], W8(&crc::CRC_4_INTERLAKEN), None),
    entry("CRC-5/EPC-C1G2", &["CRC-5/EPC"], W8(&crc::CRC_5_EPC_C1G2), None),
    entry("CRC-5/G-704", &["CRC-5/ITU"], W8(&crc::CRC_5_G_704), None),
    entry("CRC-5/USB", &[], W8(&crc::CRC_5_USB), None),
    entry("CRC-6/CDMA2000-A", &[], W8(&crc::CRC_6_CDMA2000_A), None),
    entry("CRC-6/CDMA2000-B", &[], W8(&crc::CRC_6_CDMA2000_B), None),
    entry("CRC-6/DARC", &[], W8(&crc::CRC_6_DARC), None),
    entry("CRC-6/G-704", &["CRC-6/ITU"], W8(&crc::CRC_6_G_704), None),
    entry("CRC-6/GSM", &[], W8(&crc::CRC_6_GSM), None),
    entry("CRC-7/MMC", &["CRC-7"], W8(&crc::CRC_7_MMC), None),
    entry("CRC-7/ROHC", &[], W8(&crc::CRC_7_ROHC), None),
    entry("CRC-7/UMTS", &[], W8(&crc::CRC_7_UMTS), None),
    entry("CRC-8/AUTOSAR", &[], W8(&crc::CRC_8_AUTOSAR), None),
    entry("CRC-8/BLUETOOTH", &[], W8(&crc::CRC_8_BLUETOOTH), None),
    entry("CRC-8/CDMA2000", &[], W8(&crc::CRC_8_CDMA2000), None),
    entry("CRC-8/DARC", &[], W8(&crc::CRC_8_DARC), None),
    entry("CRC-8/DVB-S2", &[], W8(&crc::CRC_8_DVB_S2), None),
    entry("CRC-8/GSM-A", &[], W8(&crc::CRC_8_GSM_A), None),
    entry("CRC-8/GSM-B", &[], W8(&crc::CRC_8_GSM_B), None),
    entry("CRC-8/HITAG", &[], W8(&crc::CRC_8_HITAG), None),
    entry("CRC-8/I-432-1", &["CRC-8/ITU"], W8(&crc::CRC_8_I_432_1), None),
    entry("CRC-8/I-CODE", &[], W8(&crc::CRC_8_I_CODE), None),
    entry("CRC-8/LTE", &[], W8(&crc::CRC_8_LTE), None),
    entry("CRC-8/MAXIM-DOW", &["CRC-8/MAXIM", "DOW-CRC"], W8(&crc::CRC_8_MAXIM_DOW), None),
    entry("CRC-8/MIFARE-MAD", &[], W8(&crc::CRC_8_MIFARE_MAD), None),
    entry("CRC-8/NRSC-5", &[], W8(&crc::CRC_8_NRSC_5), None),
    entry("CRC-8/OPENSAFETY", &[], W8(&crc::CRC_8_OPENSAFETY), None),
    entry("CRC-8/ROHC", &[], W8(&crc::CRC_8_ROHC), None),
    entry("CRC-8/SAE-J1850", &[], W8(&crc::CRC_8_SAE_J1850), None),
    entry("CRC-8/SMBUS", &["CRC-8"], W8(&crc::CRC_8_SMBUS), None),
    entry("CRC-8/TECH-3250", &["CRC-8/AES", "CRC-8/EBU"], W8(&crc::CRC_8_TECH_3250), None),
    entry("CRC-8/WCDMA", &[], W8(&crc::CRC_8_WCDMA), None),
    entry("CRC-10/ATM", &["CRC-10", "CRC-10/I-610"], W16(&crc::CRC_10_ATM), None),
    entry("CRC-10/CDMA2000", &[], W16(&crc::CRC_10_CDMA2000), None),
    entry("CRC-10/GSM", &[], W16(&crc::CRC_10_GSM), None),
    entry("CRC-11/FLEXRAY", &["CRC-11"], W16(&crc::CRC_11_FLEXRAY), None),
    entry("CRC-11/UMTS", &[], W16(&crc::CRC_11_UMTS), None),
    entry("CRC-12/CDMA2000", &[], W16(&crc::CRC_12_CDMA2000), None),
    entry("CRC-12/DECT", &["X-CRC-12"], W16(&crc::CRC_12_DECT), None),
    entry("CRC-12/GSM", &[], W16(&crc::CRC_12_GSM), None),
    entry("CRC-12/UMTS", &["CRC-12/3GPP"], W16(&crc::CRC_12_UMTS), None),
    entry("CRC-13/BBC", &[], W16(&crc::CRC_13_BBC), None),
    entry("CRC-14/DARC", &[], W16(&crc::CRC_14_DARC), None),
    entry("CRC-14/GSM", &[], W16(&crc::CRC_14_GSM), None),
    entry("CRC-15/CAN", &["CRC-15"], W16(&crc::CRC_15_CAN), None),
    entry("CRC-15/MPT1327", &[], W16(&crc::CRC_15_MPT1327), None),
    entry("CRC-16/ARC", &["ARC", "CRC-16", "CRC-16/LHA", "CRC-IBM"], W16(&crc::CRC_16_ARC), Some(Fast::Crc16Arc)),
    entry("CRC-16/CDMA2000", &[], W16(&crc::CRC_16_CDMA2000), Some(Fast::Crc16Cdma2000)),
    entry("CRC-16/CMS", &[], W16(&crc::CRC_16_CMS), Some(Fast::Crc16Cms)),
    entry("CRC-16/DDS-110", &[], W16(&crc::CRC_16_DDS_110), Some(Fast::Crc16Dds110)),
    entry("CRC-16/DECT-R", &["R-CRC-16"], W16(&crc::CRC_16_DECT_R), Some(Fast::Crc16DectR)),
    entry("CRC-16/DECT-X", &["X-CRC-16"], W16(&crc::CRC_16_DECT_X), Some(Fast::Crc16DectX)),
    entry("CRC-16/DNP", &[], W16(&crc::CRC_16_DNP), Some(Fast::Crc16Dnp)),
    entry("CRC-16/EN-13757", &[], W16(&crc::CRC_16_EN_13757), Some(Fast::Crc16En13757)),
    entry("CRC-16/GENIBUS", &["CRC-16/DARC", "CRC-16/EPC", "CRC-16/EPC-C1G2", "CRC-16/I-CODE"], W16(&crc::CRC_16_GENIBUS), Some(Fast::Crc16Genibus)),
    entry("CRC-16/GSM", &[], W16(&crc::CRC_16_GSM), Some(Fast::Crc16Gsm)),
    entry("CRC-16/IBM-3740", &["CRC-16/AUTOSAR", "CRC-16/CCITT-FALSE"], W16(&crc::CRC_16_IBM_3740), Some(Fast::Crc16Ibm3740)),
    entry("CRC-16/IBM-SDLC", &["CRC-16/ISO-HDLC", "CRC-16/ISO-IEC-14443-3-B", "CRC-16/X-25", "CRC-B", "X-25"], W16(&crc::CRC_16_IBM_SDLC), Some(Fast::Crc16IbmSdlc)),
    entry("CRC-16/ISO-IEC-14443-3-A", &["CRC-A"], W16(&crc::CRC_16_ISO_IEC_14443_3_A), Some(Fast::Crc16IsoIec144433A)),
    entry("CRC-16/KERMIT", &["CRC-16/BLUETOOTH", "CRC-16/CCITT", "CRC-16/CCITT-TRUE", "CRC-16/V-41-LSB", "CRC-CCITT", "KERMIT"], W16(&crc::CRC_16_KERMIT), Some(Fast::Crc16Kermit)),
    entry("CRC-16/LJ1200", &[], W16(&crc::CRC_16_LJ1200), Some(Fast::Crc16Lj1200)),
    entry("CRC-16/M17", &[], W16(&crc::CRC_16_M17), Some(Fast::Crc16M17)),
    entry("CRC-16/MAXIM-DOW", &["CRC-16/MAXIM"], W16(&crc::CRC_16_MAXIM_DOW), Some(Fast::Crc16MaximDow)),
    entry("CRC-16/MCRF4XX", &[], W16(&crc::CRC_16_MCRF4XX), Some(Fast::Crc16Mcrf4xx)),
    entry("CRC-16/MODBUS", &["MODBUS"], W16(&crc::CRC_16_MODBUS), Some(Fast::Crc16Modbus)),
    entry("CRC-16/NRSC-5", &[], W16(&crc::CRC_16_NRSC_5), Some(Fast::Crc16Nrsc5)),
    entry("CRC-16/OPENSAFETY-A", &[], W16(&crc::CRC_16_OPENSAFETY_A), Some(Fast::Crc16OpensafetyA)),
    entry("CRC-16/OPENSAFETY-B", &[], W16(&crc::CRC_16_OPENSAFETY_B), Some(Fast::Crc16OpensafetyB)),
    entry("CRC-16/PROFIBUS", &["CRC-16/IEC-61158-2"], W16(&crc::CRC_16_PROFIBUS), Some(Fast::Crc16Profibus)),
    entry("CRC-16/RIELLO", &[], W16(&crc::CRC_16_RIELLO), Some(Fast::Crc16Riello)),
    entry("CRC-16/SPI-FUJITSU", &["CRC-16/AUG-CCITT"], W16(&crc::CRC_16_SPI_FUJITSU), Some(Fast::Crc16SpiFujitsu)),
    entry("CRC-16/T10-DIF", &[], W16(&crc::CRC_16_T10_DIF), Some(Fast::Crc16T10Dif)),
    entry("CRC-16/TELEDISK", &[], W16(&crc::CRC_16_TELEDISK), Some(Fast::Crc16Teledisk)),
    entry("CRC-16/TMS37157", &[], W16(&crc::CRC_16_TMS37157), Some(Fast::Crc16Tms37157)),
    entry("CRC-16/UMTS", &["CRC-16/BUYPASS", "CRC-16/VERIFONE"], W16(&crc::CRC_16_UMTS), Some(Fast::Crc16Umts)),
    entry("CRC-16/USB", &[], W16(&crc::CRC_16_USB), Some(Fast::Crc16Usb)),
    entry("CRC-16/XMODEM", &["CRC-16/ACORN", "CRC-16/LTE", "CRC-16/V-41-MSB", "XMODEM", "ZMODEM"], W16(&crc::CRC_16_XMODEM), Some(Fast::Crc16Xmodem)),
    entry("CRC-17/CAN-FD", &[], W32(&crc::CRC_17_CAN_FD), None),
    entry("CRC-21/CAN-FD", &[], W32(&crc::CRC_21_CAN_FD), None),
    entry("CRC-24/BLE", &[], W32(&crc::CRC_24_BLE), None),
    entry("CRC-24/FLEXRAY-A", &[], W32(&crc::CRC_24_FLEXRAY_A), None),
    entry("CRC-24/FLEXRAY-B", &[], W32(&crc::CRC_24_FLEXRAY_B), None),
    entry("CRC-24/INTERLAKEN", &[], W32(&crc::CRC_24_INTERLAKEN), None),
    entry("CRC-24/LTE-A", &[], W32(&crc::CRC_24_LTE_A), None),
    entry("CRC-24/LTE-B", &[], W32(&crc::CRC_24_LTE_B), None),
    entry("CRC-24/OPENPGP", &["CRC-24"], W32(&crc::CRC_24_OPENPGP), None),
    entry("CRC-24/OS-9", &[], W32(&crc::CRC_24_OS_9), None),
    entry("CRC-30/CDMA", &[], W32(&crc::CRC_30_CDMA), None),
    entry("CRC-31/PHILIPS", &[], W32(&crc::CRC_31_PHILIPS), None),
    entry("CRC-32/AIXM", &["CRC-32Q"], W32(&crc::CRC_32_AIXM), Some(Fast::Crc32Aixm)),
    entry("CRC-32/AUTOSAR", &[], W32(&crc::CRC_32_AUTOSAR), Some(Fast::Crc32Autosar)),
    entry("CRC-32/BASE91-D", &["CRC-32D"], W32(&crc::CRC_32_BASE91_D), Some(Fast::Crc32Base91D)),
    entry("CRC-32/BZIP2", &["CRC-32/AAL5", "CRC-32/DECT-B", "B-CRC-32"], W32(&crc::CRC_32_BZIP2), Some(Fast::Crc32Bzip2)),
    entry("CRC-32/CD-ROM-EDC", &[], W32(&crc::CRC_32_CD_ROM_EDC), Some(Fast::Crc32CdRomEdc)),
    entry("CRC-32/CKSUM", &["CKSUM", "CRC-32/POSIX"], W32(&crc::CRC_32_CKSUM), Some(Fast::Crc32Cksum)),
    entry("CRC-32/ISCSI", &["CRC-32/BASE91-C", "CRC-32/CASTAGNOLI", "CRC-32/INTERLAKEN", "CRC-32C", "CRC-32/NVME"], W32(&crc::CRC_32_ISCSI), Some(Fast::Crc32Iscsi)),
    entry("CRC-32/ISO-HDLC", &["CRC-32", "CRC-32/ADCCP", "CRC-32/V-42", "CRC-32/XZ", "PKZIP"], W32(&crc::CRC_32_ISO_HDLC), Some(Fast::Crc32IsoHdlc)),
    entry("CRC-32/JAMCRC", &["JAMCRC"], W32(&crc::CRC_32_JAMCRC), Some(Fast::Crc32Jamcrc)),
    entry("CRC-32/MEF", &[], W32(&crc::CRC_32_MEF), Some(Fast::Crc32Mef)),
    entry("CRC-32/MPEG-2", &[], W32(&crc::CRC_32_MPEG_2), Some(Fast::Crc32Mpeg2)),
    entry("CRC-32/XFER", &["XFER"], W32(&crc::CRC_32_XFER), Some(Fast::Crc32Xfer)),
    entry("CRC-40/GSM", &[], W64(&crc::CRC_40_GSM), None),
    entry("CRC-64/ECMA-182", &["CRC-64"], W64(&crc::CRC_64_ECMA_182), Some(Fast::Crc64Ecma182)),
    entry("CRC-64/GO-ISO", &[], W64(&crc::CRC_64_GO_ISO), Some(Fast::Crc64GoIso)),
    entry("CRC-64/MS", &[], W64(&crc::CRC_64_MS), Some(Fast::Crc64Ms)),
    entry("CRC-64/NVME", &[], W64(&crc::CRC_64_NVME), Some(Fast::Crc64Nvme)),
    entry("CRC-64/REDIS", &[], W64(&crc::CRC_64_REDIS), Some(Fast::Crc64Redis)),
    entry("CRC-64/WE", &[], W64(&crc::CRC_64_WE), Some(Fast::Crc64We)),
    entry("CRC-64/XZ", &["CRC-64/GO-ECMA"], W64(&crc::CRC_64_XZ), Some(Fast::Crc64Xz)),
    entry("CRC-82/DARC", &[], W128(&crc::CRC_82_DARC), None),
];
