import { describe, expect, it } from "vitest";
import { fitting, segmentAt, variants } from "./frame";

const MASTER = `#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,CODECS="avc1.640028,mp4a.40.2",AUDIO="a"
1080p/playlist.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS="mp4a.40.2,avc1.64001e",RESOLUTION=640x360,AUDIO="a"
360p/playlist.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2000000,RESOLUTION=1280x720,CODECS="avc1.64001f,mp4a.40.2",AUDIO="a"
720p/playlist.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=100000,CODECS="mp4a.40.2"
audio/playlist.m3u8
`;
const LIST = `#EXTM3U
#EXT-X-MAP:URI="init.mp4"
#EXTINF:4.0,
00001.m4s
#EXTINF:4.0,
#EXT-X-PROGRAM-DATE-TIME:2020-01-01T00:00:00Z
00002.m4s
#EXTINF:1.5,
00003.m4s
#EXT-X-ENDLIST
`;

describe("a picture of a film", () => {
  it("is taken from the largest size up to 720 lines", () => {
    const all = variants(MASTER);
    expect(all.map(({ lines }) => lines)).toEqual([1080, 360, 720]);
    expect(all[1]?.codec).toBe("avc1.64001e");
    expect(fitting(all)?.uri).toBe("720p/playlist.m3u8");
    expect(fitting(all.slice(0, 1))?.lines).toBe(1080);
    expect(fitting([])).toBeNull();
  });

  it("is in the segment that has its time", () => {
    const of = (at_s: number) => segmentAt(LIST, at_s)?.uri;
    expect([0, 3.99, 4, 8.1, 99].map(of)).toEqual(["00001.m4s", "00001.m4s", "00002.m4s", "00003.m4s", "00003.m4s"]);
    expect(segmentAt(LIST, 0)?.init).toBe("init.mp4");
    expect(segmentAt("#EXTM3U\n", 0)).toBeNull();
  });
});
