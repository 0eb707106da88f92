// Peer: better-sse. Events are JSON already, so it need neither serialize nor sanitize them; keep-alive each 15 s.
import http from 'node:http';
import { createSession } from 'better-sse';
import { TYPE, Users, control, listen, userOf } from './control.mjs';

const asIs = (text) => text;
const users = new Users();
let id = 0;
const post = control((user, text) => {
  const sessions = users.get(user);
  if (!sessions) return 0;
  const eventId = String(++id);
  for (const session of sessions) session.push(text, TYPE, eventId);
  return sessions.size;
});
const server = http.createServer(async (req, res) => {
  if (req.method === 'POST') {
    post(req, res);
    return;
  }
  const user = userOf(req);
  if (user === null) {
    res.writeHead(401).end();
    return;
  }
  const session = await createSession(req, res, { keepAlive: 15_000, serializer: asIs, sanitizer: asIs });
  users.join(user, session);
  session.once('disconnected', () => users.leave(user, session));
});
listen(server);
