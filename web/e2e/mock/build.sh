#!/usr/bin/env bash
# Makes the mock bench in a folder: the clips, the 120 s film as HLS and DASH (copied, not encoded), the page.
set -euo pipefail
out=${1:?usage: build.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
"$here/../../../scripts/make-clips.sh" "$out/clips" >/dev/null
package() {
  [ -s "$out/$1/master.m3u8" ] && return
  mkdir -p "$out/$1"
  (cd "$out/$1" && nice ffmpeg -v error -nostdin -y -i "$out/clips/$2.mp4" -map 0:v -map 0:a -c copy -f dash -seg_duration 4 \
    -use_template 1 -use_timeline 1 -hls_playlist 1 -hls_master_name master.m3u8 -adaptation_sets 'id=0,streams=v id=1,streams=a' \
    -dash_segment_type mp4 -init_seg_name 'init-$RepresentationID$.m4s' -media_seg_name 'c-$RepresentationID$-$Number%05d$.m4s' manifest.mpd \
    && sed -i 's/,RESOLUTION=/,FRAME-RATE=25.000,RESOLUTION=/' master.m3u8)
}
package film frames480
package sixty sixty
cd "$here/../../ui" && npx vite build --logLevel warn -c "$here/vite.config.mjs" --outDir "$out/page"
