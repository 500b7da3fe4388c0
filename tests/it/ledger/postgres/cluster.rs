//! A PostgreSQL server of the tests' own, from the system's package: on loopback, gone with them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What every server of the tests is started with: nothing here has to survive a power cut.
const SETTINGS: &str = "listen_addresses = '127.0.0.1'
fsync = off
max_connections = 200
shared_buffers = 64MB
log_min_messages = fatal
timezone = 'UTC'
";

/// Returns where the package keeps the server's programs.
fn programs() -> Option<&'static Path> {
    static PROGRAMS: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = PROGRAMS.get_or_init(|| {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        let folders = versions.flatten().map(|version| version.path().join("bin"));
        let mut folders: Vec<PathBuf> = folders.filter(|bin| bin.join("initdb").exists()).collect();
        folders.sort();
        folders.pop()
    });
    if found.is_none() {
        assert!(
            std::env::var_os("EOL_INJECT_REQUIRE_TOOLS").is_none(),
            "PostgreSQL is missing: apt-get install postgresql"
        );
        // Straight to the terminal: the test harness keeps `eprintln!` of passing tests.
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr(),
            "\n*** LEFT OUT: the ledger on a server: PostgreSQL is not installed ***\n"
        );
    }
    found.as_deref()
}

/// One server with its data.
pub struct Cluster {
    pub port: u16,
    pub folder: PathBuf,
}

/// Starts a command as somebody who is not root: the server refuses root.
pub fn command(name: &str) -> Command {
    let mut command = Command::new(programs().unwrap().join(name));
    if let Some((user, group)) = nobody() {
        use std::os::unix::process::CommandExt as _;
        command.uid(user).gid(group);
    }
    command.current_dir("/").stdin(Stdio::null());
    command.env("LC_ALL", "C");
    command
}

/// Returns whom the server runs as, if the tests run as root.
fn nobody() -> Option<(u32, u32)> {
    static NOBODY: OnceLock<Option<(u32, u32)>> = OnceLock::new();
    *NOBODY.get_or_init(|| {
        let id = |args: &[&str]| -> u32 {
            let output = Command::new("id").args(args).output().unwrap();
            String::from_utf8_lossy(&output.stdout)
                .trim()
                .parse()
                .unwrap()
        };
        (id(&["-u"]) == 0).then(|| (id(&["-u", "nobody"]), id(&["-g", "nobody"])))
    })
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Makes an empty folder that belongs to whom the server runs as.
fn folder() -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::Builder::new()
        .prefix("eol-pg-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir()
        .unwrap()
        .keep();
    if let Some((user, group)) = nobody() {
        std::os::unix::fs::chown(&folder, Some(user), Some(group)).unwrap();
    }
    // However the tests end, their end of this pipe closes; then the server and its data go.
    let guard = "read -r _; [ -f \"$1/postmaster.pid\" ] && \
                 kill -QUIT $(head -1 \"$1/postmaster.pid\"); sleep 1; rm -rf \"$1\"";
    let guard = Command::new("setsid")
        .args(["sh", "-c", guard, "guard"])
        .arg(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Box::leak(Box::new(guard));
    folder
}

impl Cluster {
    /// Returns the server that all tests of this process share; `None` where none is installed.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        programs()?;
        Some(SHARED.get_or_init(|| Self::new("")))
    }

    /// Starts a server of one test's own; `None` where none is installed.
    pub fn own(settings: &str) -> Option<Self> {
        programs()?;
        Some(Self::new(settings))
    }

    fn new(settings: &str) -> Self {
        let folder = folder();
        run(command("initdb")
            .args(["-U", "eol", "-A", "trust", "-E", "UTF8", "--no-sync", "-D"])
            .arg(&folder));
        let cluster = Self {
            port: free_port(),
            folder,
        };
        cluster.set(SETTINGS);
        cluster.set(settings);
        cluster.set(&format!(
            "port = {}\nunix_socket_directories = '{}'\n",
            cluster.port,
            cluster.folder.display()
        ));
        cluster.start();
        cluster
    }

    /// Puts a file beside the data, for the server's eyes only.
    pub fn give(&self, file: &Path) {
        use std::os::unix::fs::PermissionsExt as _;
        let to = self.folder.join(file.file_name().unwrap());
        std::fs::copy(file, &to).unwrap();
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
        if let Some((user, group)) = nobody() {
            std::os::unix::fs::chown(&to, Some(user), Some(group)).unwrap();
        }
    }

    /// Adds settings; they count from the next start.
    pub fn set(&self, settings: &str) {
        use std::io::Write as _;
        let file = self.folder.join("postgresql.conf");
        let mut file = std::fs::OpenOptions::new().append(true).open(file).unwrap();
        writeln!(file, "{settings}").unwrap();
    }

    pub fn start(&self) {
        let log = self.folder.join("log");
        let started = command("pg_ctl")
            .args(["start", "-w", "-s", "-t", "60", "-D"])
            .arg(&self.folder)
            .arg("-l")
            .arg(&log)
            .status();
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        assert!(started.unwrap().success(), "{}", said());
    }

    /// Stops it as an administrator does: whoever is connected is sent away.
    pub fn stop(&self) {
        run(command("pg_ctl")
            .args(["stop", "-w", "-s", "-m", "fast", "-D"])
            .arg(&self.folder));
    }

    /// Kills the server with everything that it started, as a power cut would.
    pub fn kill(&self) {
        let text = std::fs::read_to_string(self.folder.join("postmaster.pid")).unwrap();
        let pid = text.lines().next().unwrap();
        let children = format!("/proc/{pid}/task/{pid}/children");
        let children = std::fs::read_to_string(children).unwrap_or_default();
        let mut kill = Command::new("kill");
        kill.args(["-KILL", pid]).args(children.split_whitespace());
        kill.stderr(Stdio::null()).status().unwrap();
        let gone = || !Path::new("/proc").join(pid).join("task").exists();
        wait_for("the server to be gone", gone);
    }

    /// Kills one process of the server: all sessions end, and it recovers by itself.
    pub fn kill_backend(&self, pid: i32) {
        run(Command::new("kill").args(["-KILL", &pid.to_string()]));
    }

    /// Makes a standby of this server, streaming, not started yet.
    pub fn standby(&self, name: &str) -> Self {
        let folder = folder();
        run(command("pg_basebackup")
            .args([
                "-h",
                "127.0.0.1",
                "-U",
                "eol",
                "-c",
                "fast",
                "--no-sync",
                "-R",
            ])
            .args(["-p", &self.port.to_string(), "-D"])
            .arg(&folder));
        let standby = Self {
            port: free_port(),
            folder,
        };
        standby.set(&format!(
            "port = {}\nunix_socket_directories = '{}'\nsynchronous_standby_names = ''\n\
             primary_conninfo = 'host=127.0.0.1 port={} user=eol application_name={name}'\n",
            standby.port,
            standby.folder.display(),
            self.port
        ));
        // What the backup wrote comes later in its own file and would win.
        std::fs::write(standby.folder.join("postgresql.auto.conf"), "").unwrap();
        standby
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        run(command("pg_ctl")
            .args(["promote", "-w", "-s", "-D"])
            .arg(&self.folder));
    }

    pub fn url(&self) -> String {
        format!("postgres://eol@127.0.0.1:{}/postgres", self.port)
    }

    /// Connects as an administrator.
    pub fn client(&self) -> postgres::Client {
        postgres::Client::connect(&self.url(), postgres::NoTls).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.folder.join("postmaster.pid").exists() {
            let _ = command("pg_ctl")
                .args(["stop", "-m", "immediate", "-s", "-D"])
                .arg(&self.folder)
                .stderr(Stdio::null())
                .status();
        }
    }
}

pub fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "waited for {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
