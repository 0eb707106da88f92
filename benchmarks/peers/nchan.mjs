// Peer: nginx with nchan, one worker; it asks this process whether a token is for the user in the path.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { port, subjectOf } from './control.mjs';

const directory = mkdtempSync(join(tmpdir(), 'nchan-'));
const socket = join(directory, 'auth.sock');
const config = join(directory, 'nginx.conf');
writeFileSync(config, `
load_module ${process.env.PEER_NCHAN};
worker_processes 1;
worker_rlimit_nofile 65536;
daemon off;
pid ${directory}/nginx.pid;
error_log stderr crit;
events { worker_connections 32768; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path ${directory};
  proxy_temp_path ${directory};
  fastcgi_temp_path ${directory};
  uwsgi_temp_path ${directory};
  scgi_temp_path ${directory};
  upstream auth { server unix:${socket}; keepalive 64; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /auth {
      internal;
      proxy_pass http://auth/;
      proxy_http_version 1.1;
      proxy_pass_request_body off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_set_header User $user;
    }
    location ~ ^/events/(?<user>u[0-9]+)$ {
      nchan_subscriber eventsource;
      nchan_channel_id $user;
      nchan_authorize_request /auth;
      nchan_subscriber_first_message newest;
      nchan_eventsource_ping_interval 15;
    }
    location ~ ^/users/(?<channel>u[0-9]+)/events$ {
      set $user publisher;
      nchan_publisher;
      nchan_channel_id $channel;
      nchan_authorize_request /auth;
      nchan_message_buffer_length 100;
    }
  }
}
`);

const auth = http.createServer((req, res) => {
  res.writeHead(subjectOf(req) === req.headers.user ? 204 : 403).end();
});
auth.listen(socket, () => {
  chmodSync(directory, 0o755); // nginx's worker is nobody when its master is root
  chmodSync(socket, 0o777);
  const nginx = spawn(process.env.PEER_NGINX, ['-c', config, '-p', directory], { stdio: 'inherit' });
  const end = () => nginx.kill();
  process.on('SIGTERM', end);
  nginx.on('exit', (code) => {
    rmSync(directory, { recursive: true, force: true });
    process.exit(code ?? 1);
  });
});
