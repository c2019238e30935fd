//! The filter graph of one decode: upright, progressive, BT.709, then each rung scaled from the one above.

use std::fmt::Write as _;

use ff::{filter, format::Pixel};
use ffmpeg_next as ff;

use crate::{libav, pictures::Shape};

/// What a graph was built for: a picture that differs needs a new graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Input {
    format: Pixel,
    width: u32,
    height: u32,
}

/// A graph with one input and one output per rung.
pub struct Scaler {
    sizes: Vec<(u32, u32)>,
    shape: Shape,
    timescale: u32,
    pixels: Pixel,
    built: Option<(Input, filter::Graph)>,
}

/// Pictures that came out: the rung's index, the tick and the picture.
pub type Scaled = Vec<(usize, i64, ff::frame::Video)>;

impl Scaler {
    /// Scales to these sizes, largest first, as planar 4:2:0 of this kind.
    pub fn new(sizes: Vec<(u32, u32)>, shape: Shape, timescale: u32, pixels: Pixel) -> Self {
        Self { sizes, shape, timescale, pixels, built: None }
    }

    /// Puts one picture in (its time is `tick`) and takes out what is ready.
    pub fn push(&mut self, mut frame: ff::frame::Video, tick: i64) -> Result<Scaled, ff::Error> {
        let input = Input { format: frame.format(), width: frame.width(), height: frame.height() };
        let mut out = Scaled::new();
        if self.built.as_ref().is_none_or(|(built, _)| *built != input) {
            out = self.finish()?;
            self.built = Some((input, self.build(input, &frame)?));
        }
        let Some((_, graph)) = &mut self.built else { return Ok(out) };
        frame.set_pts(Some(tick));
        graph.get("in").ok_or(ff::Error::FilterNotFound)?.source().add(&frame)?;
        drain(graph, self.sizes.len(), self.timescale, &mut out)?;
        Ok(out)
    }

    /// Takes out what is left.
    pub fn finish(&mut self) -> Result<Scaled, ff::Error> {
        let mut out = Scaled::new();
        if let Some((_, mut graph)) = self.built.take() {
            graph.get("in").ok_or(ff::Error::FilterNotFound)?.source().flush()?;
            drain(&mut graph, self.sizes.len(), self.timescale, &mut out)?;
        }
        Ok(out)
    }

    fn build(&self, input: Input, frame: &ff::frame::Video) -> Result<filter::Graph, ff::Error> {
        let aspect = frame.aspect_ratio();
        let (sar_num, sar_den) = (aspect.numerator().max(1), aspect.denominator().max(1));
        let arguments = format!(
            "video_size={}x{}:pix_fmt={}:time_base=1/{}:pixel_aspect={sar_num}/{sar_den}",
            input.width,
            input.height,
            libav::pixel_format(input.format),
            self.timescale,
        );
        let find = |name: &str| filter::find(name).ok_or(ff::Error::FilterNotFound);
        let mut graph = filter::Graph::new();
        graph.add(&find("buffer")?, "in", &arguments)?;
        for rung in 0..self.sizes.len() {
            graph.add(&find("buffersink")?, &format!("out{rung}"), "")?;
        }
        let mut parser = graph.output("in", 0)?;
        for rung in 0..self.sizes.len() {
            parser = parser.input(&format!("out{rung}"), 0)?;
        }
        parser.parse(&self.description(frame))?;
        graph.validate()?;
        Ok(graph)
    }

    /// `[in]…[out0];[next0]…[out1]…`: each rung scaled from the one above it.
    fn description(&self, frame: &ff::frame::Video) -> String {
        use ff::color::TransferCharacteristic as Transfer;
        let high_range = matches!(frame.color_transfer_characteristic(), Transfer::SMPTE2084 | Transfer::ARIB_STD_B67);
        let pixels = if self.pixels == Pixel::YUVJ420P { "yuvj420p" } else { "yuv420p" };
        let mut text = String::from("[in]");
        if self.shape.interlaced {
            text.push_str("bwdif=mode=send_frame:deint=interlaced,");
        }
        text.push_str(match self.shape.rotation_degrees {
            90 => "transpose=clock,",
            180 => "hflip,vflip,",
            270 => "transpose=cclock,",
            _ => "",
        });
        for (rung, (width, height)) in self.sizes.iter().enumerate() {
            let last = rung + 1 == self.sizes.len();
            let size = format!("scale={width}:{height}:flags=bicubic");
            let _ = match (rung, high_range) {
                (0, true) => write!(text, "{size},{TO_STANDARD_RANGE}"),
                (0, false) => write!(text, "{size}:{}", matrices(frame, self.pixels)),
                _ => write!(text, "[next{}]{size}", rung - 1),
            };
            let _ = write!(text, ",format={pixels},setsar=1");
            let _ = if last { write!(text, "[out{rung}]") } else { write!(text, ",split[out{rung}][next{rung}];") };
        }
        text
    }
}

/// HDR10 and HLG to BT.709 by the Hable curve.
const TO_STANDARD_RANGE: &str = "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0,\
    zscale=t=bt709:m=bt709:p=bt709:r=tv";

/// Colour matrices of the first scaler; an untagged picture is BT.601 when small and BT.709 when large, as players guess.
fn matrices(frame: &ff::frame::Video, pixels: Pixel) -> String {
    let untagged = matches!(frame.color_space(), ff::color::Space::Unspecified);
    let from = match (untagged, frame.height()) {
        (false, _) => "auto",
        (true, 0..720) => "bt601",
        (true, _) => "bt709",
    };
    let (to, range) = if pixels == Pixel::YUVJ420P { ("bt601", "pc") } else { ("bt709", "tv") };
    format!("in_color_matrix={from}:out_color_matrix={to}:out_range={range}")
}

fn drain(graph: &mut filter::Graph, rungs: usize, timescale: u32, out: &mut Scaled) -> Result<(), ff::Error> {
    for rung in 0..rungs {
        let mut sink = graph.get(&format!("out{rung}")).ok_or(ff::Error::FilterNotFound)?;
        let mut sink = sink.sink();
        let base = sink.time_base();
        loop {
            let mut frame = ff::frame::Video::empty();
            match sink.frame(&mut frame) {
                Ok(()) => {
                    let to = ff::Rational(1, i32::try_from(timescale).unwrap_or(i32::MAX));
                    let tick = crate::pictures::rescale(frame.pts().unwrap_or(0), base, to);
                    out.push((rung, tick, frame));
                }
                Err(ff::Error::Eof | ff::Error::Other { errno: ff::error::EAGAIN }) => break,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
