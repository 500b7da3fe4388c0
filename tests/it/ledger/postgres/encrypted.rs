//! TLS: asked for, it is there and proved, or nothing is said at all.

use std::process::{Command, Stdio};

use super::*;

/// Makes a certificate for `localhost` that signs itself.
fn certificate(folder: &Path, name: &str) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(folder.join(format!("{name}.key")))
        .arg("-out")
        .arg(folder.join(format!("{name}.crt")))
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
}

/// Returns a ledger on the server by TLS, with whose certificate signs for it.
fn bench(cluster: &Cluster, mode: &str, roots: &Path) -> OnServer {
    let (port, roots) = (cluster.port, roots.display());
    let mut bench = OnServer::at(&format!(
        "postgres://eol@localhost:{port}/postgres?sslmode={mode}&sslrootcert={roots}"
    ));
    bench.server.patience = std::time::Duration::from_millis(100);
    bench
}

#[test]
fn a_server_is_believed_only_with_its_certificate() {
    let Some(plain) = Cluster::shared() else {
        return;
    };
    let has = crate::bench::has("openssl", "TLS to the ledger's server");
    let Some(cluster) = has.then(|| Cluster::own("")).flatten() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "server");
    certificate(folder.path(), "other");
    for file in ["server.key", "server.crt"] {
        cluster.give(&folder.path().join(file));
    }
    cluster.stop();
    cluster.set("ssl = on");
    cluster.start();
    let mine = folder.path().join("server.crt");
    for mode in ["require", "verify-full"] {
        let bench = bench(&cluster, mode, &mine);
        let mut ledger = stocked(&bench, 1);
        finish(&mut ledger, &claim("GW1"));
        let used = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                    WHERE application_name = 'eol-inject'";
        let used: bool = cluster.client().query_one(used, &[]).unwrap().get(0);
        assert!(used);
    }
    // Another one's certificate, and a server that has none.
    let error = bench(&cluster, "require", &folder.path().join("other.crt"));
    assert!(error.try_open("L1").is_err());
    let error = bench(plain, "require", &mine).try_open("L1").unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("TLS"), "{cause}");
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = $1";
    let bench = bench(plain, "verify-full", &mine);
    assert!(bench.try_open("L1").is_err());
    let made: i64 = plain
        .client()
        .query_one(schemas, &[&bench.schema()])
        .unwrap()
        .get(0);
    assert_eq!(made, 0);
}
