//! A process for the tests to kill: runs a cluster in the folder it is given and says so.

use lockstep_migrations::cluster::{Cluster, ClusterOptions};

fn main() {
    let folder = std::env::args().nth(1).expect("a folder");
    let cluster = Cluster::start(ClusterOptions::new(folder)).expect("the cluster starts");
    println!("{}", cluster.pid());
    // Until the test has seen enough: it kills us, or closes our input.
    let _ = std::io::stdin().read_line(&mut String::new());
}
