// The browser's WebSocket as the connection's port.

import type { Socket, SocketEvents } from "./connection";

/** Opens a socket; what it reports after `close` nobody hears. */
export function openSocket(url: string, events: SocketEvents): Socket {
  const socket = new WebSocket(url);
  let over = false;
  socket.onmessage = (event: { data: unknown }) => {
    if (!over && typeof event.data === "string") events.message(event.data);
  };
  socket.onclose = (event) => {
    if (over) return;
    over = true;
    events.closed(event.code, event.reason);
  };
  return {
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close() {
      over = true;
      socket.close();
    },
  };
}
