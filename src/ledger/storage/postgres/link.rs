//! One connection to the server: made anew when it is lost, and set up the same each time.

use postgres::{Client, NoTls};

use super::address::Address;
use super::session::{Sending, Session, Statements, Trouble};
use crate::ledger::LedgerError;
use crate::recipe::SchemaName;

/// What holds for every session.
///
/// - Each commit waits for the disk, and for the synchronous standbys that the server names; a
///   server that waits for more (`remote_apply`) stays so.
/// - A wait for a lock ends: it is a fault then, not a station that hangs.
/// - A station that vanished, or was stopped in the middle, holds its rows for half a minute at most:
///   the server asks whether it is there (not on a socket of its own computer), and ends what idles.
/// - Plans are made once and look rows up by their index: tables are empty when a shift begins.
const SESSION: &str = "SET search_path = {schema};
SET default_transaction_isolation = 'read committed';
SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
    WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false);
SET lock_timeout = '20s';
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = '30s';
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
SET tcp_user_timeout = '25s';
SET client_min_messages = 'warning';
SET bytea_output = 'hex';
SET enable_seqscan = off;
SET plan_cache_mode = 'force_generic_plan';
SET jit = off";

/// A connection that comes back.
pub struct Link {
    address: Address,
    schema: SchemaName,
    client: Option<Client>,
    statements: Statements,
}

impl Link {
    /// Notes where the server is; nothing is connected yet.
    pub fn to(address: Address, schema: SchemaName) -> Self {
        Self {
            address,
            schema,
            client: None,
            statements: Statements::new(),
        }
    }

    /// Returns the connection, made now if there is none.
    pub fn connected(&mut self) -> Result<(&mut Client, &mut Statements), postgres::Error> {
        let client = match self.client.take() {
            Some(client) if !client.is_closed() => client,
            _ => {
                self.statements.clear();
                self.connect()?
            }
        };
        Ok((self.client.insert(client), &mut self.statements))
    }

    /// Begins a transaction.
    pub fn begin(&mut self, sending: Sending) -> Result<Session<'_>, postgres::Error> {
        let (client, statements) = self.connected()?;
        let transaction = client.transaction()?;
        Ok(Session::new((transaction, statements), sending))
    }

    /// Does `act` in one transaction, or says what kept it from being done.
    pub fn act<T>(
        &mut self,
        act: impl FnOnce(&Session<'_>) -> Result<T, LedgerError>,
    ) -> Result<Result<T, Trouble>, LedgerError> {
        let session = match self.begin(Sending::AtOnce) {
            Ok(session) => session,
            Err(error) => return Ok(Err(Trouble::Server(error))),
        };
        let answer = act(&session);
        if let Some(trouble) = session.trouble() {
            return Ok(Err(trouble));
        }
        let answer = answer?;
        let done = session.into_transaction()?.commit();
        Ok(done.map(|()| answer).map_err(Trouble::Server))
    }

    /// Does `act` in one transaction, once.
    pub fn once<T>(
        &mut self,
        act: impl FnOnce(&Session<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.act(act)?.map_err(Trouble::meaning)
    }

    /// Lets go of a connection that is of no use any more.
    pub fn lose(&mut self) {
        self.client = None;
        self.statements.clear();
    }

    /// Returns another link to the same place.
    pub fn another(&self) -> Self {
        Self::to(self.address.clone(), self.schema.clone())
    }

    /// Returns the schema that it works in.
    pub const fn schema(&self) -> &SchemaName {
        &self.schema
    }

    fn connect(&self) -> Result<Client, postgres::Error> {
        let mut client = match &self.address.tls {
            Some(tls) => self.address.config.connect(tls.clone()),
            None => self.address.config.connect(NoTls),
        }?;
        client.batch_execute(&SESSION.replace("{schema}", &self.schema.quoted()))?;
        Ok(client)
    }
}
