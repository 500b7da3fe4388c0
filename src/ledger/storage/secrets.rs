//! Sealed values: opened for a unit, sealed for a list.

use std::collections::BTreeMap;
use zeroize::Zeroizing;

use super::imports;
use super::known::{Sealed, SealedPicture};
use super::sql::{Bulk, values};
use super::tables::{Completion, NewToken, SealedValues, Secrets, TokenRow};
use super::tokens::marked;
use super::view::View;
use crate::ledger::{KeyError, LedgerError, TokenState};
use crate::unit::{AuthToken, Fingerprint, QrToken, Serial};
use crate::vault::crypto::{Cipher, Column};

const SECRETS: &str = "SELECT fingerprint, key, token, qr, columns FROM tokens WHERE id = ?1";
const PICTURE: &str = "SELECT t.fingerprint, p.key, p.picture FROM pictures p \
     JOIN tokens t ON t.id = p.token WHERE p.token = ?1";
const COMPLETE: &str = "UPDATE tokens SET key = ?2, token = ?3, qr_print = ?4, qr = ?5, columns = ?6 \
     WHERE id = ?1";

macro_rules! bulk {
    ($table:literal, $columns:literal, $places:literal) => {
        Bulk {
            insert: concat!(
                "INSERT INTO ",
                $table,
                " (",
                $columns,
                ") VALUES (",
                $places,
                ")"
            ),
            copy: concat!("COPY ", $table, " (", $columns, ") FROM STDIN BINARY"),
        }
    };
}

const TOKENS: Bulk = bulk!(
    "tokens",
    "id, scope, import, fingerprint, state, claimed, fixed, folded, qr_print, key, token, qr, columns, mark",
    "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14"
);
const PICTURES: Bulk = bulk!("pictures", "token, key, picture", "?1, ?2, ?3");
const PRINTS: Bulk = bulk!("prints", "print, token", "?1, ?2");

/// A token's values, sealed.
struct Blobs {
    token: Vec<u8>,
    qr: Option<Vec<u8>>,
    columns: Option<Vec<u8>>,
}

impl Blobs {
    fn seal(
        cipher: &Cipher,
        print: &Fingerprint,
        (token, qr, columns): (
            &AuthToken,
            Option<&QrToken>,
            &BTreeMap<String, Zeroizing<String>>,
        ),
    ) -> Result<Self, LedgerError> {
        let seal = |column, plain: &[u8]| cipher.seal(print, column, plain);
        let payload = qr.map(|qr| Zeroizing::new(qr.payload()));
        let qr = payload.map(|payload| seal(Column::Qr, payload.as_bytes()));
        let columns = plain_columns(columns)?;
        let columns = columns.map(|plain| seal(Column::Columns, &plain));
        Ok(Self {
            token: seal(Column::Token, token.expose())?,
            qr: qr.transpose()?,
            columns: columns.transpose()?,
        })
    }
}

/// Returns columns as they are sealed; `None` where there are none.
fn plain_columns(
    columns: &BTreeMap<String, Zeroizing<String>>,
) -> Result<Option<Zeroizing<Vec<u8>>>, LedgerError> {
    if columns.is_empty() {
        return Ok(None);
    }
    let named = columns.iter();
    let plain: BTreeMap<&str, &str> = named
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let plain = serde_json::to_vec(&plain).map(Zeroizing::new);
    plain.map(Some).map_err(LedgerError::storage)
}

fn missing(id: i64) -> LedgerError {
    LedgerError::damaged(format!("token {id} is missing"))
}

impl View<'_> {
    fn open(&self, sealed: &Sealed) -> Result<Secrets, LedgerError> {
        let (cipher, print) = (self.opened.ring()?.opener(sealed.key)?, sealed.print);
        let odd = |column: Column| {
            LedgerError::Key(KeyError::Unsealed {
                fingerprint: print,
                column: column.name(),
            })
        };
        let token = cipher.open(&print, Column::Token, &sealed.token)?;
        let token = AuthToken::parse(&token).map_err(|_| odd(Column::Token))?;
        let qr: Option<QrToken> = match &sealed.qr {
            Some(blob) => {
                let plain = cipher.open(&print, Column::Qr, blob)?;
                let text = str::from_utf8(&plain).map_err(|_| odd(Column::Qr))?;
                Some(text.parse().map_err(|_| odd(Column::Qr))?)
            }
            None => None,
        };
        let columns = match &sealed.columns {
            Some(blob) => {
                let plain = cipher.open(&print, Column::Columns, blob)?;
                let columns: BTreeMap<String, String> =
                    serde_json::from_slice(&plain).map_err(|_| odd(Column::Columns))?;
                let hidden = columns.into_iter();
                hidden
                    .map(|(name, value)| (name, Zeroizing::new(value)))
                    .collect()
            }
            None => BTreeMap::new(),
        };
        Ok(Secrets { token, qr, columns })
    }

    fn open_picture(
        &self,
        print: &Fingerprint,
        (key, blob): (i64, &[u8]),
    ) -> Result<Vec<u8>, LedgerError> {
        let cipher = self.opened.ring()?.opener(key)?;
        Ok(cipher.open(print, Column::Picture, blob)?.to_vec())
    }

    /// Adds a picture, sealed with the current key.
    fn add_picture(
        &self,
        token: i64,
        print: &Fingerprint,
        picture: &[u8],
    ) -> Result<(), LedgerError> {
        let key = self.opened.ring()?.current()?;
        let sealed = key.cipher.seal(print, Column::Picture, picture)?;
        self.sql.add(&PICTURES, values![token, key.id, &sealed])
    }
}

impl SealedValues for View<'_> {
    fn secrets(&self, id: i64) -> Result<Secrets, LedgerError> {
        if let Some(sealed) = self.known.borrow().sealed.get(&id) {
            return self.open(sealed);
        }
        let sealed = self
            .sql
            .first(SECRETS, values![id], |row| Sealed::read(row, 0, 1))?;
        self.open(&sealed.ok_or_else(|| missing(id))?)
    }

    fn picture(&self, id: i64) -> Result<Option<Vec<u8>>, LedgerError> {
        if let Some(sealed) = self.known.borrow().sealed.get(&id)
            && let Some(picture) = &sealed.picture
        {
            let open = |(key, blob): &SealedPicture| self.open_picture(&sealed.print, (*key, blob));
            return picture.as_ref().map(open).transpose();
        }
        self.sql.first(PICTURE, values![id], |row| {
            self.open_picture(&row.get(0)?, (row.get(1)?, row.get(2)?))
        })
    }

    fn add_token(&mut self, new: &NewToken<'_>) -> Result<(), LedgerError> {
        imports::hold(self)?;
        let (key, row) = (self.opened.ring()?.current()?, new.row);
        let print = &new.fingerprint;
        let state = match row.claimed {
            true => TokenState::ClaimedElsewhere,
            false => TokenState::Free,
        };
        let plain = (&row.token, row.qr.as_ref(), &row.columns);
        let sealed = Blobs::seal(&key.cipher, print, plain)?;
        let folded = row.bound.as_ref().map(Serial::folded);
        let marked = marked(new.id, print, state, folded.as_ref());
        let mark = self.notary()?.mark("token", &marked);
        self.sql.add(
            &TOKENS,
            values![
                new.id,
                self.opened.scope,
                new.import,
                print,
                state,
                row.claimed,
                row.bound.as_ref().map(Serial::as_str),
                folded.as_ref(),
                new.qr.as_ref(),
                key.id,
                &sealed.token,
                sealed.qr.as_ref(),
                sealed.columns.as_ref(),
                &mark,
            ],
        )?;
        if let Some(picture) = &row.picture {
            self.add_picture(new.id, print, picture)?;
        }
        if let (Some(folded), false) = (folded, row.claimed) {
            let known = TokenRow {
                id: new.id,
                import: new.import,
                fingerprint: new.fingerprint,
                state,
                fixed: row.bound.clone(),
                qr: new.qr,
                claimed: false,
                ours: true,
                mark: Some(mark),
            };
            self.known.borrow_mut().fixed.insert(folded, Some(known));
        }
        Ok(())
    }

    fn complete(
        &mut self,
        token: &TokenRow,
        more: &Completion,
        import: i64,
    ) -> Result<(), LedgerError> {
        let (key, secrets) = (self.opened.ring()?.current()?, &more.secrets);
        let plain = (&secrets.token, secrets.qr.as_ref(), &secrets.columns);
        let sealed = Blobs::seal(&key.cipher, &token.fingerprint, plain)?;
        self.known.borrow_mut().sealed.remove(&token.id);
        let changed = self.sql.change(
            COMPLETE,
            values![
                token.id,
                key.id,
                &sealed.token,
                more.qr.as_ref(),
                sealed.qr.as_ref(),
                sealed.columns.as_ref(),
            ],
        )?;
        if let Some(picture) = &more.picture {
            self.add_picture(token.id, &token.fingerprint, picture)?;
            imports::count_picture(self, import)?;
        }
        match changed {
            1 => Ok(()),
            _ => Err(missing(token.id)),
        }
    }

    fn add_print(&mut self, print: &[u8; 32], token: i64) -> Result<(), LedgerError> {
        imports::hold(self)?;
        self.sql.add(&PRINTS, values![print, token])
    }
}
