// What all Node peers share: the credential, the event, and the routes that publish inside the server.
import { readFileSync } from 'node:fs';
import { createVerifier } from 'fast-jwt';

export const port = Number(process.env.PEER_PORT);
export const TYPE = 'thread.new';

// The quickest verifier on npm (5 us; jsonwebtoken takes 300); its cache is off unless a run asks for it.
const verifier = createVerifier({
  key: process.env.PEER_SECRET,
  algorithms: ['HS256'],
  allowedIss: 'zena',
  allowedAud: 'zena-sse',
  requiredClaims: ['exp', 'iat', 'sub'],
  cache: Number(process.env.PEER_TOKEN_CACHE ?? 0) || false,
});

// Whom a request's token is for; null when it is not valid.
export function subjectOf(req) {
  const [kind, token] = (req.headers.authorization ?? '').split(' ');
  if (kind !== 'Bearer') return null;
  try {
    return verifier(token).sub;
  } catch {
    return null;
  }
}

// The number of that user.
export function userOf(req) {
  const subject = subjectOf(req);
  return subject === null ? null : Number(subject.slice(1));
}

// One event's JSON; the moment it is published is written over its 19 digits.
const event = readFileSync(process.env.PEER_EVENT, 'utf8');
const digits = event.indexOf('"t=') + 3;
const head = event.slice(0, digits);
const tail = event.slice(digits + 19);
const stamped = () => head + String(process.hrtime.bigint()).padStart(19, '0') + tail;

// What a burst sends: as many texts as there are events, made before the clock starts, as ours are.
let texts = [];
function prepare({ users, events }) {
  texts = Array.from({ length: users * events }, (_, i) => Buffer.from(head + String(i).padStart(19, '0') + tail).toString());
}

// Deliveries after which a publisher lets the loop write and read: as ours does.
const TURN = 256;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function burst(publish, { users, events, order }) {
  let count = 0;
  const [outer, inner] = order === 'user' ? [users, events] : [events, users];
  for (let a = 0; a < outer; a++) {
    for (let b = 0; b < inner; b++) {
      count += publish(order === 'user' ? a : b, texts.pop());
      if (count >= TURN) {
        count = 0;
        await turn();
      }
    }
  }
}

async function steady(publish, { users, rate, seconds }) {
  const start = performance.now();
  const total = Math.floor(rate * seconds);
  let sent = 0;
  while (sent < total) {
    const due = Math.min(total, Math.floor(((performance.now() - start) / 1000) * rate));
    for (; sent < due; sent++) publish(sent % users, stamped());
    await sleep(5);
  }
}

// `publish(user, text)` passes an event to every stream of a user and returns how many there are.
export const control = (publish) => (req, res) => {
  let body = '';
  req.on('data', (data) => (body += data));
  req.on('end', () => {
    if (req.url === '/prepare') prepare(JSON.parse(body));
    else (req.url === '/burst' ? burst : steady)(publish, JSON.parse(body));
    res.writeHead(202).end();
  });
};

// user -> the streams that are open.
export class Users extends Map {
  join(user, stream) {
    const streams = this.get(user);
    if (streams) streams.add(stream);
    else this.set(user, new Set([stream]));
  }

  leave(user, stream) {
    const streams = this.get(user);
    streams.delete(stream);
    if (!streams.size) this.delete(user);
  }
}

export const listen = (server) => server.listen({ port, host: '127.0.0.1', backlog: 4096 });
