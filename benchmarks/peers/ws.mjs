// Peer: Node `ws`, one text message for each event, a ping to every socket each 15 s.
import http from 'node:http';
import { WebSocketServer } from 'ws';
import { Users, control, listen, userOf } from './control.mjs';

// ws writes each message by itself. Corked, a socket writes what it was given in a turn of the loop at once.
const isCorked = process.env.PEER_CORK === '1';
function send(ws, text) {
  if (isCorked && !ws.isCorked) {
    ws.isCorked = true;
    ws.tcp.cork();
    process.nextTick(() => {
      ws.isCorked = false;
      ws.tcp.uncork();
    });
  }
  ws.send(text);
}

const users = new Users();
const server = http.createServer(
  control((user, text) => {
    const sockets = users.get(user);
    if (!sockets) return 0;
    for (const ws of sockets) if (ws.readyState === 1) send(ws, text);
    return sockets.size;
  }),
);
const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false });
server.on('upgrade', (req, socket, head) => {
  const user = userOf(req);
  if (user === null) {
    socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    return;
  }
  wss.handleUpgrade(req, socket, head, (ws) => {
    ws.tcp = socket;
    users.join(user, ws);
    ws.on('message', () => {});
    ws.on('error', () => {});
    ws.on('close', () => users.leave(user, ws));
    ws.send('{"type":"hello"}');
  });
});
setInterval(() => {
  for (const sockets of users.values()) for (const ws of sockets) ws.ping();
}, 15_000);
listen(server);
