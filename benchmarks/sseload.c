/* sseload: opens many streams (or WebSockets), counts what arrives on each, measures how long it took.
 *
 * Phases: open N streams (--conns, --window of them at a time); settle; then one of
 *   --idle S       nothing: what do idle streams cost?
 *   --trigger P    POST P: the server publishes by itself, --expect events in all (POST --prepare comes first)
 *   --pub-path P   publish over HTTP: --pub-conns connections with --pub-depth requests each under way
 *   --catch-up N   count from the first connect on, until N events have come (with --cursors)
 * and prints one JSON object. The server's memory and CPU come from /proc/PID (--pid).
 *
 * An event is a delivery when its data holds the marker  "t=NNNNNNNNNNNNNNNNNNN  (CLOCK_MONOTONIC in ns, 19
 * digits): when it was published. Templates: %d is the user's number, %t those digits. Line i of the files
 * --tokens and --cursors is for user i.
 *
 * build: gcc -O2 -Wall -Wextra -o sseload sseload.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTING, HEADERS, OPEN, CLOSED };            /* a connection's state */
enum { SIZE, DATA, CRLF };                             /* a chunked body's */
enum { STREAM, CALLER };                               /* what a connection is for; a caller sends POSTs */

/* While it only receives, the generator looks again at once instead of sleeping: being woken takes longer than all
 * that is measured, on a virtual machine most of all. While it publishes it sleeps, or on a machine with two cores
 * it would be in the way of the kernel's own work on the disk. */
#define SPIN 0

#define REQUEST 16384                                  /* bytes of a GET: a browser's headers and a token */
#define BODY (1 << 18)                                 /* bytes of a POST */
#define CALLERS 256
#define DEPTH 64                                       /* requests under way on one caller's connection */

typedef struct {
    int fd, user;
    uint8_t kind, state, chunked, chunk_state, has_data, match, in_ext;
    uint32_t chunk_left, events;
    char *carry; uint32_t carry_len, carry_cap;        /* partial line, header or frame */
    char *out; uint32_t out_len, out_off, out_cap;     /* callers only */
    uint64_t t0, asked[DEPTH], sent, answered;         /* when each request under way was sent */
} conn;

typedef struct { char **line; int count; } lines;
typedef struct { uint64_t *value, count, cap; } samples;

/* ---- options ---- */
static const char *host = "127.0.0.1", *path = "/events", *headers[32];
static const char *trigger_path, *trigger_body = "{}", *prepare_path, *prepare_body = "{}";
static const char *pub_path, *pub_body = "{\"t\":%t}", *pub_token;
static lines tokens, cursors;
static int port = 8000, conns = 1000, users, window = 256, nheaders, ws, pub_port, pub_conns = 4, pub_depth = 64;
static int npids, pids[64], sample_at;
static double settle = 1, idle_s, timeout_s = 60, pub_rate, pub_s;
static uint64_t expect, catch_up, pub_total;

/* ---- what happened ---- */
static int ep, opened, ready, failed, closed_early, inflight;
static conn *all, callers[CALLERS];
static char buf[1 << 18];
static uint64_t events, bytes_in, t_last_event, t_read, acked, refused;
static samples latency, connect_time, ack_time;
static long rss_sample;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}
static void die(const char *what) { perror(what); exit(2); }
static int is_over(uint64_t since) { return now() - since > timeout_s * 1e9; }

static void add_sample(samples *s, uint64_t value) {
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 1 << 16;
        if (!(s->value = realloc(s->value, s->cap * sizeof *s->value))) die("samples");
    }
    s->value[s->count++] = value;
}
static int compare(const void *a, const void *b) { uint64_t x = *(uint64_t *)a, y = *(uint64_t *)b; return (x > y) - (x < y); }
static double part_ms(samples *s, double part) { return s->count ? s->value[(uint64_t)(part * (s->count - 1))] / 1e6 : 0; }

/* Replace %d and %t in a template; its length. */
static int expand(char *to, int cap, const char *template, int user, uint64_t t) {
    int n = 0;
    for (const char *p = template; *p; p++) {
        if (n > cap - 32) { fprintf(stderr, "too long: %.40s...\n", template); exit(2); }
        if (p[0] == '%' && p[1] == 'd') { n += sprintf(to + n, "%d", user); p++; }
        else if (p[0] == '%' && p[1] == 't') { n += sprintf(to + n, "%019llu", (unsigned long long)t); p++; }
        else to[n++] = *p;
    }
    to[n] = 0;
    return n;
}
static void append(char **p, uint32_t *len, uint32_t *cap, const char *s, uint32_t n) {
    if (*len + n > *cap) { *cap = (*len + n) * 2; if (!(*p = realloc(*p, *cap))) die("realloc"); }
    memcpy(*p + *len, s, n); *len += n;
}

/* ---- the server's processes ---- */
static double server_cpu(void) {
    double seconds = 0;
    for (int i = 0; i < npids; i++) {
        char name[64], line[1024]; unsigned long user = 0, system = 0;
        sprintf(name, "/proc/%d/stat", pids[i]);
        FILE *f = fopen(name, "r"); if (!f) continue;
        if (fgets(line, sizeof line, f)) {
            char *p = strrchr(line, ')');
            if (p) sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
        }
        fclose(f); seconds += (double)(user + system) / sysconf(_SC_CLK_TCK);
    }
    return seconds;
}
static long server_rss_kb(void) {
    long kb = 0;
    for (int i = 0; i < npids; i++) {
        char name[64]; long pages = 0;
        sprintf(name, "/proc/%d/statm", pids[i]);
        FILE *f = fopen(name, "r"); if (!f) continue;
        if (fscanf(f, "%*d %ld", &pages) == 1) kb += pages * (sysconf(_SC_PAGESIZE) / 1024);
        fclose(f);
    }
    return kb;
}

/* ---- what arrives ---- */
static void one_event(conn *c, const char *p, uint32_t n) {
    const char *mark = memmem(p, n, "\"t=", 3);
    if (!mark) return;                                  /* a greeting, a heartbeat */
    events++; t_last_event = t_read;
    c->events++;
    uint64_t sent = strtoull(mark + 3, NULL, 10);
    add_sample(&latency, t_read > sent ? t_read - sent : 0);
}

/* One line of SSE, without its '\n'. A blank line ends an event; the first data line holds the marker. */
static void sse_line(conn *c, const char *p, uint32_t n) {
    if (n && p[n - 1] == '\r') n--;
    if (n == 0) { c->has_data = 0; return; }
    if (n > 5 && !memcmp(p, "data:", 5) && !c->has_data) { c->has_data = 1; one_event(c, p, n); }
}
static void sse_feed(conn *c, const char *p, uint32_t n) {
    while (n) {
        const char *end = memchr(p, '\n', n);
        if (!end) { append(&c->carry, &c->carry_len, &c->carry_cap, p, n); return; }
        uint32_t k = end - p;
        if (c->carry_len) {
            append(&c->carry, &c->carry_len, &c->carry_cap, p, k);
            sse_line(c, c->carry, c->carry_len); c->carry_len = 0;
        } else sse_line(c, p, k);
        p += k + 1; n -= k + 1;
    }
}
static void dechunk(conn *c, const char *p, uint32_t n) {
    while (n) {
        if (c->chunk_state == DATA) {
            uint32_t k = n < c->chunk_left ? n : c->chunk_left;
            sse_feed(c, p, k); p += k; n -= k; c->chunk_left -= k;
            if (!c->chunk_left) c->chunk_state = CRLF;
        } else {
            char ch = *p++; n--;
            if (c->chunk_state == CRLF) { if (ch == '\n') { c->chunk_state = SIZE; c->chunk_left = 0; c->in_ext = 0; } }
            else if (ch == '\n') c->chunk_state = DATA;
            else if (ch == ';') c->in_ext = 1;
            else if (ch != '\r' && !c->in_ext) c->chunk_left = c->chunk_left * 16 + (ch <= '9' ? ch - '0' : (ch | 32) - 'a' + 10);
        }
    }
}
/* Take whole WebSocket frames; the bytes used. A server's frames are not masked. */
static uint32_t ws_frames(conn *c, const char *p, uint32_t n) {
    uint32_t used = 0;
    for (;;) {
        const uint8_t *f = (const uint8_t *)p + used; uint32_t left = n - used, h = 2; uint64_t len;
        if (left < 2) return used;
        len = f[1] & 127;
        if (len == 126) { h = 4; if (left < h) return used; len = f[2] << 8 | f[3]; }
        else if (len == 127) { h = 10; if (left < h) return used; len = 0; for (int i = 2; i < 10; i++) len = len << 8 | f[i]; }
        if (left < h + len) return used;
        int op = f[0] & 15;
        if (op == 1 || op == 2) one_event(c, (const char *)f + h, len);
        else if (op == 9) { static const char pong[6] = {(char)0x8a, (char)0x80, 0, 0, 0, 0}; if (write(c->fd, pong, 6) < 0) {} }
        used += h + len;
    }
}
static void ws_feed(conn *c, const char *p, uint32_t n) {
    if (c->carry_len) {
        append(&c->carry, &c->carry_len, &c->carry_cap, p, n);
        uint32_t used = ws_frames(c, c->carry, c->carry_len);
        memmove(c->carry, c->carry + used, c->carry_len -= used);
    } else {
        uint32_t used = ws_frames(c, p, n);
        if (used < n) append(&c->carry, &c->carry_len, &c->carry_cap, p + used, n - used);
    }
}
static void feed(conn *c, const char *p, uint32_t n) {
    if (!n) return;
    if (ws) ws_feed(c, p, n); else if (c->chunked) dechunk(c, p, n); else sse_feed(c, p, n);
}
static void response_head(conn *c, const char *p, uint32_t n) {
    append(&c->carry, &c->carry_len, &c->carry_cap, p, n);
    char *end = memmem(c->carry, c->carry_len, "\r\n\r\n", 4);
    if (!end) return;
    int code = c->carry_len > 12 ? atoi(c->carry + 9) : 0;
    if (code != (ws ? 101 : 200)) {
        if (!failed++) fprintf(stderr, "refused: %.*s\n", (int)(end - c->carry), c->carry);
        close(c->fd); c->state = CLOSED; inflight--; return;
    }
    *end = 0; c->chunked = strcasestr(c->carry, "transfer-encoding: chunked") != NULL;
    c->state = OPEN; ready++; inflight--; add_sample(&connect_time, now() - c->t0);
    uint32_t used = end + 4 - c->carry, rest = c->carry_len - used;
    char *body = c->carry;
    c->carry = NULL; c->carry_len = c->carry_cap = 0;
    feed(c, body + used, rest); free(body);
}

/* ---- sockets ---- */
static int dial(conn *c, int to_port, int index) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(to_port)};
    inet_pton(AF_INET, host, &a.sin_addr);
    a.sin_addr.s_addr = htonl(ntohl(a.sin_addr.s_addr) + index / 25000);  /* the next 127.0.0.x every 25,000 ports */
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) die("socket");
    int one = 1; setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->t0 = now(); c->state = CONNECTING;
    if (connect(c->fd, (void *)&a, sizeof a) < 0 && errno != EINPROGRESS) { close(c->fd); c->state = CLOSED; return -1; }
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    return epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}
static void send_get(conn *c) {
    static char request[REQUEST]; int n;
    n = sprintf(request, "GET ");
    n += expand(request + n, REQUEST - n, path, c->user, 0);
    n += sprintf(request + n, " HTTP/1.1\r\nHost: %s:%d\r\n%s", host, port, ws
        ? "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        : "Accept: text/event-stream\r\n");
    for (int i = 0; i < nheaders; i++) { n += expand(request + n, REQUEST - n, headers[i], c->user, 0); n += sprintf(request + n, "\r\n"); }
    if (tokens.count) n += snprintf(request + n, REQUEST - n, "Authorization: Bearer %s\r\n", tokens.line[c->user % tokens.count]);
    if (cursors.count) n += snprintf(request + n, REQUEST - n, "Last-Event-ID: %s\r\n", cursors.line[c->user % cursors.count]);
    n += snprintf(request + n, REQUEST - n, "\r\n");
    if (write(c->fd, request, n) != n) die("write request");
    c->state = HEADERS;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}
static void flush_out(conn *c) {
    while (c->out_off < c->out_len) {
        ssize_t k = write(c->fd, c->out + c->out_off, c->out_len - c->out_off);
        if (k < 0) { if (errno == EAGAIN) break; die("caller's write"); }
        c->out_off += k;
    }
    if (c->out_off == c->out_len) c->out_off = c->out_len = 0;
    struct epoll_event e = {.events = EPOLLIN | (c->out_len ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}
static void queue_post(conn *c, int to_port, const char *to_path, const char *body, int user, const char *token, uint64_t stamp) {
    static char request[BODY + 4096], expanded[BODY], where[1024];
    expand(where, sizeof where, to_path, user, stamp);
    int length = expand(expanded, BODY, body, user, stamp);
    int n = sprintf(request, "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\n", where, host, to_port);
    if (token) n += snprintf(request + n, 3072, "Authorization: Bearer %s\r\n", token);
    n += sprintf(request + n, "Content-Length: %d\r\n\r\n", length);
    memcpy(request + n, expanded, length);
    append(&c->out, &c->out_len, &c->out_cap, request, n + length);
    c->asked[c->sent++ % DEPTH] = now();
}
static void on_answer(conn *c, char hundreds) {
    if (hundreds == '2') { acked++; add_sample(&ack_time, now() - c->asked[c->answered % DEPTH]); }
    else if (!refused++) fprintf(stderr, "refused: %.200s\n", buf);
    c->answered++;
}
static void on_caller(conn *c, uint32_t ev) {
    static const char pattern[] = "HTTP/1.1 ";          /* each response begins with it, and no body of ours has it */
    if (c->state == CONNECTING && (ev & EPOLLOUT)) c->state = OPEN;
    if (ev & EPOLLIN) {
        ssize_t k = read(c->fd, buf, sizeof buf - 1);
        if (k > 0) buf[k] = 0;
        for (ssize_t i = 0; i < k; i++) {
            if (c->match == 9) { c->match = 0; on_answer(c, buf[i]); }
            else c->match = buf[i] == pattern[c->match] ? c->match + 1 : (buf[i] == 'H');
        }
        if (k == 0) {
            close(c->fd); c->state = CLOSED; refused += c->sent - c->answered;
            fprintf(stderr, "the server closed a caller's connection\n"); return;
        }
    }
    if (c->state == OPEN && (ev & EPOLLOUT)) flush_out(c);
}
static void on_stream(conn *c, uint32_t ev) {
    if (c->state == CONNECTING) {
        int err = 0; socklen_t l = sizeof err; getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
        if (err) { failed++; inflight--; close(c->fd); c->state = CLOSED; return; }
        if (ev & EPOLLOUT) send_get(c);
        return;
    }
    ssize_t k = read(c->fd, buf, sizeof buf);
    if (k <= 0) {
        if (k < 0 && errno == EAGAIN) return;
        if (c->state == HEADERS) { failed++; inflight--; } else closed_early++;
        close(c->fd); c->state = CLOSED; return;
    }
    bytes_in += k; t_read = now();
    if (c->state == HEADERS) response_head(c, buf, k); else feed(c, buf, k);
}
static void poll_for(uint64_t ns) {
    struct epoll_event e[512]; struct timespec most = {ns / 1000000000, ns % 1000000000};
    int n = epoll_pwait2(ep, e, 512, &most, NULL);
    for (int i = 0; i < n; i++) {
        conn *c = e[i].data.ptr;
        if (c->kind == STREAM) on_stream(c, e[i].events); else on_caller(c, e[i].events);
    }
}
static void poll_once(int ms) { poll_for(ms * 1000000ull); }
static void run_for(double s) { uint64_t end = now() + s * 1e9; while (now() < end) poll_once(10); }

/* ---- phases ---- */
static void open_streams(uint64_t start) {
    while (ready + failed < conns && !is_over(start)) {
        while (opened < conns && inflight < window) {
            conn *c = &all[opened]; c->kind = STREAM; c->user = opened % users;
            if (dial(c, port, opened) < 0) failed++; else inflight++;
            opened++;
            if (opened == sample_at) {                  /* let the first ones settle, and see what they take */
                while (inflight && !is_over(start)) poll_once(SPIN);
                run_for(settle); rss_sample = server_rss_kb();
            }
        }
        poll_once(SPIN);
    }
}
static conn *call_from(conn *c, int to_port) {
    c->kind = CALLER;
    if (dial(c, to_port, 0) < 0) die("caller");
    while (c->state == CONNECTING) poll_once(1);
    return c;
}
static void call(const char *to_path, const char *body, int wait) {
    conn *c = call_from(&callers[CALLERS - 1], port);
    queue_post(c, port, to_path, body, 0, NULL, 0); flush_out(c);
    if (!wait) return;
    for (uint64_t start = now(); c->answered < c->sent && c->state == OPEN && !is_over(start);) poll_once(10);
    if (!acked) { fprintf(stderr, "%s failed\n", to_path); exit(1); }
    close(c->fd); memset(c, 0, sizeof *c);
}
static uint64_t wait_for_events(uint64_t start, uint64_t wanted) {
    while (events < wanted && !is_over(start)) poll_once(SPIN);
    return start;
}
/* Publish, and go on until all are answered and all expected events are here. */
static void publish(uint64_t start) {
    uint64_t next = 0, end = pub_s > 0 ? start + pub_s * 1e9 : UINT64_MAX;
    while (now() < end && (pub_s > 0 || events < expect || acked + refused < pub_total) && !is_over(start)) {
        uint64_t allow = pub_s > 0 ? UINT64_MAX : pub_total;
        if (pub_rate > 0) { uint64_t due = (now() - start) / 1e9 * pub_rate; if (due < allow) allow = due; }
        for (int i = 0; i < pub_conns; i++) {
            conn *c = &callers[i];
            if (c->state != OPEN) continue;
            while (c->sent - c->answered < (uint64_t)pub_depth && next < allow) {
                /* at a rate, the clock of an event starts when it was due, not when there was a way out for it */
                uint64_t stamp = pub_rate > 0 ? start + (next + 1) / pub_rate * 1e9 : now();
                queue_post(c, pub_port, pub_path, pub_body, next++ % users, pub_token, stamp);
            }
            if (c->out_len) flush_out(c);
        }
        uint64_t due = pub_rate > 0 && next < pub_total ? start + (next + 1) / pub_rate * 1e9 : 0, t = now();
        poll_for(!due ? 1000000 : due > t ? due - t : 0);
    }
}

/* ---- options, results ---- */
static void read_lines(lines *into, const char *name) {
    FILE *f = fopen(name, "r"); char line[4096]; int cap = 0;
    if (!f) die(name);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\r\n")] = 0;
        if (into->count == cap && !(into->line = realloc(into->line, (cap = cap ? cap * 2 : 1024) * sizeof *into->line))) die("lines");
        into->line[into->count++] = strdup(line);
    }
    fclose(f);
}
static const char *read_file(const char *name) {
    static char text[BODY];
    FILE *f = fopen(name, "r"); if (!f) die(name);
    text[fread(text, 1, BODY - 1, f)] = 0; fclose(f);
    return text;
}
static void parse(int argc, char **argv) {
    static struct option o[] = {
        {"host", 1, 0, 'h'}, {"port", 1, 0, 'p'}, {"path", 1, 0, 'P'}, {"conns", 1, 0, 'n'}, {"users", 1, 0, 'u'},
        {"window", 1, 0, 'w'}, {"header", 1, 0, 'H'}, {"ws", 0, 0, 'W'}, {"settle", 1, 0, 's'}, {"idle", 1, 0, 'i'},
        {"tokens", 1, 0, 'k'}, {"cursors", 1, 0, 'c'}, {"sample", 1, 0, 'S'}, {"prepare", 1, 0, 'a'}, {"prepare-body", 1, 0, 'A'},
        {"trigger", 1, 0, 't'}, {"trigger-body", 1, 0, 'b'}, {"expect", 1, 0, 'e'}, {"catch-up", 1, 0, 'C'}, {"timeout", 1, 0, 'T'},
        {"pid", 1, 0, 'I'}, {"pub-port", 1, 0, 1}, {"pub-path", 1, 0, 2}, {"pub-body", 1, 0, 3}, {"pub-body-file", 1, 0, 4},
        {"pub-conns", 1, 0, 5}, {"pub-depth", 1, 0, 6}, {"pub-rate", 1, 0, 7}, {"pub-total", 1, 0, 8}, {"pub-seconds", 1, 0, 9},
        {"pub-token", 1, 0, 10}, {0}};
    for (int c; (c = getopt_long(argc, argv, "", o, NULL)) != -1;) switch (c) {
        case 'h': host = optarg; break;                    case 'p': port = atoi(optarg); break;
        case 'P': path = optarg; break;                    case 'n': conns = atoi(optarg); break;
        case 'u': users = atoi(optarg); break;             case 'w': window = atoi(optarg); break;
        case 'H': if (nheaders < 32) headers[nheaders++] = optarg; break;
        case 'W': ws = 1; break;                           case 's': settle = atof(optarg); break;
        case 'i': idle_s = atof(optarg); break;            case 'k': read_lines(&tokens, optarg); break;
        case 'c': read_lines(&cursors, optarg); break;     case 'S': sample_at = atoi(optarg); break;
        case 'a': prepare_path = optarg; break;            case 'A': prepare_body = optarg; break;
        case 't': trigger_path = optarg; break;            case 'b': trigger_body = optarg; break;
        case 'e': expect = strtoull(optarg, NULL, 10); break;
        case 'C': catch_up = strtoull(optarg, NULL, 10); break;
        case 'T': timeout_s = atof(optarg); break;         case 'I': if (npids < 64) pids[npids++] = atoi(optarg); break;
        case 1: pub_port = atoi(optarg); break;            case 2: pub_path = optarg; break;
        case 3: pub_body = optarg; break;                  case 4: pub_body = read_file(optarg); break;
        case 5: pub_conns = atoi(optarg); break;           case 6: pub_depth = atoi(optarg); break;
        case 7: pub_rate = atof(optarg); break;            case 8: pub_total = strtoull(optarg, NULL, 10); break;
        case 9: pub_s = atof(optarg); break;               case 10: pub_token = optarg; break;
        default: exit(2);
    }
    if (!users) users = conns;
    if (!pub_port) pub_port = port;
    if (pub_conns >= CALLERS) pub_conns = CALLERS - 1;
    if (pub_depth > DEPTH) pub_depth = DEPTH;
}
static void print_results(double connect_s, double wall_s, double active_s, double cpu_s, long rss0, long rss1) {
    uint32_t least = UINT32_MAX, most = 0;
    for (int i = 0; i < conns; i++) {
        if (all[i].events < least) least = all[i].events;
        if (all[i].events > most) most = all[i].events;
    }
    qsort(latency.value, latency.count, 8, compare);
    qsort(connect_time.value, connect_time.count, 8, compare);
    qsort(ack_time.value, ack_time.count, 8, compare);
    printf("{\"connected\":%d,\"failed\":%d,\"closed_early\":%d,\"connect_s\":%.3f,\"connects_per_s\":%.0f,"
           "\"connect_p50_ms\":%.2f,\"connect_p99_ms\":%.2f,\"rss_before_kb\":%ld,\"rss_sample_kb\":%ld,\"rss_idle_kb\":%ld,"
           "\"rss_after_kb\":%ld,\"events\":%llu,\"expected\":%llu,\"least_of_a_stream\":%u,\"most_of_a_stream\":%u,"
           "\"bytes\":%llu,\"wall_s\":%.4f,\"active_s\":%.4f,\"deliveries_per_s\":%.0f,\"server_cpu_s\":%.2f,"
           "\"latency_p50_ms\":%.3f,\"latency_p99_ms\":%.3f,\"latency_max_ms\":%.3f,\"acked\":%llu,\"refused\":%llu,"
           "\"ack_p50_ms\":%.3f,\"ack_p99_ms\":%.3f}\n",
           ready, failed, closed_early, connect_s, ready / connect_s, part_ms(&connect_time, .5), part_ms(&connect_time, .99),
           rss0, rss_sample, rss1, server_rss_kb(), (unsigned long long)events, (unsigned long long)(expect + catch_up),
           conns ? least : 0, most, (unsigned long long)bytes_in, wall_s, active_s, active_s > 0 ? events / active_s : 0, cpu_s,
           part_ms(&latency, .5), part_ms(&latency, .99), part_ms(&latency, 1), (unsigned long long)acked,
           (unsigned long long)refused, part_ms(&ack_time, .5), part_ms(&ack_time, .99));
}
static void forget_events(void) {
    events = latency.count = bytes_in = acked = refused = ack_time.count = 0;
    for (int i = 0; i < conns; i++) all[i].events = 0;
}

int main(int argc, char **argv) {
    parse(argc, argv);
    struct rlimit limit; getrlimit(RLIMIT_NOFILE, &limit); limit.rlim_cur = limit.rlim_max; setrlimit(RLIMIT_NOFILE, &limit);
    ep = epoll_create1(0);
    all = calloc(conns + 1, sizeof *all);

    long rss0 = server_rss_kb(); double cpu0 = server_cpu(); uint64_t start = now();
    open_streams(start);
    double connect_s = (now() - start) / 1e9;
    if (catch_up) wait_for_events(start, catch_up);
    else {
        run_for(settle);
        if (prepare_path) { call(prepare_path, prepare_body, 1); run_for(settle); }
        forget_events();
    }
    long rss1 = server_rss_kb();
    if (!catch_up) {
        for (int i = 0; pub_path && i < pub_conns; i++) call_from(&callers[i], pub_port);
        cpu0 = server_cpu(); start = now();
        if (idle_s > 0) run_for(idle_s);
        if (trigger_path) { call(trigger_path, trigger_body, 0); wait_for_events(start, expect); }
        if (pub_path) publish(start);
    }
    double wall_s = (now() - start) / 1e9, active_s = events ? (t_last_event - start) / 1e9 : 0;
    print_results(connect_s, wall_s, active_s, server_cpu() - cpu0, rss0, rss1);
    int complete = events >= expect + catch_up && !refused;
    return ready == conns && !closed_early && complete ? 0 : 1;
}
