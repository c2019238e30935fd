//! A line between the program and one of its parts, which the test cuts and mends.

use std::{net::SocketAddr, path::PathBuf};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream, UnixStream},
    task::{AbortHandle, JoinSet},
};

use crate::process::stable_port;

/// Where the line ends.
#[derive(Debug, Clone)]
pub enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A line on a port of its own.
pub struct Proxy {
    pub port: u16,
    target: Target,
    serving: Option<AbortHandle>,
}

impl Proxy {
    pub async fn start(target: Target) -> Self {
        let mut proxy = Self { port: stable_port(), target, serving: None };
        proxy.mend().await;
        proxy
    }

    /// Every connection ends now, and none is accepted.
    pub async fn cut(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            // The port is closed once the task is gone.
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Connections are accepted again.
    pub async fn mend(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("the port is still ours");
        let target = self.target.clone();
        let serving = tokio::spawn(async move {
            // Dropped with this task: the connections end with the line.
            let mut lines = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                lines.spawn(carry(stream, target.clone()));
                while lines.try_join_next().is_some() {}
            }
        });
        self.serving = Some(serving.abort_handle());
    }
}

async fn carry(mut near: TcpStream, target: Target) {
    // An end on either side ends both; there is nothing to tell.
    match target {
        Target::Tcp(address) => {
            if let Ok(mut far) = TcpStream::connect(address).await {
                let _ = copy_bidirectional(&mut near, &mut far).await;
            }
        }
        Target::Unix(path) => {
            if let Ok(mut far) = UnixStream::connect(path).await {
                let _ = copy_bidirectional(&mut near, &mut far).await;
            }
        }
    }
}
