//! A line between the program and one of its parts, which the test cuts, mends and slows down.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep_until},
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
    /// How long everything takes each way, microseconds.
    delay_us: Arc<AtomicU64>,
    /// How often connections were lost.
    lost: watch::Sender<u32>,
}

/// Bytes carried at once, and how many such pieces may be under way.
const PIECE_BYTES: usize = 16 * 1024;
const PIECES_MAX: usize = 256;

impl Proxy {
    pub async fn start(target: Target) -> Self {
        let mut proxy =
            Self { port: stable_port(), target, serving: None, delay_us: Arc::default(), lost: watch::channel(0).0 };
        proxy.mend().await;
        proxy
    }

    /// Whoever is connected hears nothing any more, not even that it is over: as when the machine at the other end is gone.
    /// New connections are carried.
    pub fn lose(&self) {
        self.lost.send_modify(|times| *times += 1);
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

    /// From now on everything takes so long, each way.
    pub fn slow(&self, each_way: Duration) {
        self.delay_us.store(u64::try_from(each_way.as_micros()).expect("fits"), Ordering::Relaxed);
    }

    /// Connections are accepted again.
    pub async fn mend(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("the port is still ours");
        let (target, delay_us, lost) = (self.target.clone(), Arc::clone(&self.delay_us), self.lost.clone());
        let serving = tokio::spawn(async move {
            // Dropped with this task: the connections end with the line.
            let mut lines = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (carried, mut lost) = (carry(stream, target.clone(), Arc::clone(&delay_us)), lost.subscribe());
                lines.spawn(async move {
                    let mut carried = pin!(carried);
                    tokio::select! {
                        () = &mut carried => return,
                        Ok(()) = lost.changed() => {}
                    }
                    // Both ends stay open.
                    std::future::pending::<()>().await;
                });
                while lines.try_join_next().is_some() {}
            }
        });
        self.serving = Some(serving.abort_handle());
    }
}

async fn carry(near: TcpStream, target: Target, delay_us: Arc<AtomicU64>) {
    // An end on either side ends both; there is nothing to tell.
    match target {
        Target::Tcp(address) => {
            if let Ok(far) = TcpStream::connect(address).await {
                let _ = both_ways(near, far, delay_us).await;
            }
        }
        Target::Unix(path) => {
            if let Ok(far) = UnixStream::connect(path).await {
                let _ = both_ways(near, far, delay_us).await;
            }
        }
    }
}

async fn both_ways(near: TcpStream, far: impl AsyncRead + AsyncWrite, delay_us: Arc<AtomicU64>) -> io::Result<()> {
    near.set_nodelay(true)?;
    let (near_reads, near_writes) = near.into_split();
    let (far_reads, far_writes) = tokio::io::split(far);
    tokio::try_join!(one_way(near_reads, far_writes, &delay_us), one_way(far_reads, near_writes, &delay_us))?;
    Ok(())
}

async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    delay_us: &AtomicU64,
) -> io::Result<()> {
    let (sender, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES_MAX);
    let reading = async move {
        loop {
            let mut piece = vec![0; PIECE_BYTES];
            let bytes = from.read(&mut piece).await?;
            piece.truncate(bytes);
            let due = Instant::now() + Duration::from_micros(delay_us.load(Ordering::Relaxed));
            if bytes == 0 || sender.send((due, piece)).await.is_err() {
                return Ok(());
            }
        }
    };
    let writing = async move {
        while let Some((due, piece)) = pieces.recv().await {
            sleep_until(due).await;
            to.write_all(&piece).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(reading, writing).map(|_| ())
}
