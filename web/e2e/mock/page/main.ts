// The bench page: one room, one player, nothing else. `bench` lets a test speak to them.
import { createPlayer, type PlayerState } from '../../../ui/src/player/player';
import { createTokens, type Delivery } from '../../../ui/src/player/tokens';
import { newId } from '../../../ui/src/sync/ids';
import { createRoom, type RoomState } from '../../../ui/src/sync/room';

const query = new URLSearchParams(location.search);
const element = document.querySelector('video') as HTMLVideoElement;
if (query.get('muted') === '1') element.muted = true;
const fetchMock = async (): Promise<Delivery & { video: string }> => (await fetch('/mock.json')).json();
const { video } = await fetchMock();
const room = createRoom({ channelId: 'mock', visitId: newId() });
const player = createPlayer(element);
let roomState: RoomState | null = null;
let playerState: PlayerState | null = null;
const trace: [number, number | null, number, string][] = [];
room.subscribe((state) => (roomState = state));
let phase = '';
player.subscribe((state) => {
  playerState = state;
  // Told on the console too: asking a page through the debugger counts as a gesture, and some tests must make none.
  if (state.phase !== phase) console.debug(`phase:${(phase = state.phase)}`);
  if (trace.length < 20_000) trace.push([performance.timeOrigin + performance.now(), state.errorUs, state.rate, state.phase]);
});
room.attach(player);
const bench = { room, player, trace, room_: () => roomState, player_: () => playerState };
(globalThis as { bench?: typeof bench }).bench = bench;
const engine = query.get('engine') === 'dash' ? 'dash' : 'hls';
await player.load({ videoId: video, hlsUrl: '/v/first/master.m3u8', dashUrl: '/v/first/manifest.mpd', tokens: createTokens(fetchMock), engine });
