/* A replay server that is cheaper than any client: one process, epoll, prepared buffers.
 *
 *   POST /n20000/api/generate            blast: 20000 tokens as fast as the socket takes them
 *   POST /n2000/r2000/api/chat           live: one token per write, 2000 tokens a second
 *   POST /n100/r20/c300/api/generate     paced: hold until 300 such requests have arrived, then 20 tokens/s each
 *   GET  /stats                          processor seconds, tokens sent, worst lateness in ms, since the last /stats
 *   GET  /choose/n100/r20/c300           what requests get from now on that do not say it themselves
 *   GET  /api/tags, /api/ps, /api/version   one model, so that a worker of the bus finds it
 *
 * One HTTP chunk per NDJSON line, as Ollama sends them. With a rate, `created_at` is the moment of the write, so a
 * client on the same machine can subtract. It serves 127.0.0.1 only, and ends with its parent or when it is idle.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MOST_FILES = 65536, BLOCK = 1024, IDLE_SECONDS = 120, GATE_DELAY_MS = 400 /* and one more for each stream */ };
#define SECOND 1000000000LL
#define STAMP "2026-01-01T00:00:00.000000000Z"

typedef enum { READING, GATED, PACED, BLAST, ENDING } State;

typedef struct {
    int fd, heap_place;        /* heap_place: where in the timer heap, -1 = nowhere */
    State state;
    bool chat, close_after;
    char in[8192];
    size_t in_length, body_left;
    char out[1024];            /* head, one paced line or the tail: whatever is being written now */
    size_t out_length, out_sent;
    long total, sent, gate;
    size_t block_offset;
    int64_t interval, due;
} Connection;

/* 1024 lines, already framed as HTTP chunks; offsets[i] is where line i begins, stamps[i] where its time stands. */
typedef struct {
    char *bytes;
    size_t offsets[BLOCK + 1], stamps[BLOCK];
} Block;

static Connection *connections[MOST_FILES];
static Connection *heap[MOST_FILES];
static int heap_size, open_count, poller, timer;
static long gate_waiting, tokens_sent;
static long chosen_tokens = 100, chosen_rate, chosen_gate;
static int64_t worst_late;
static Block generate_block, chat_block;

static const char *TEXT =
    "The river was quiet in the early morning , and the old boat moved slowly past the stones . "
    "Nobody in the village had seen so much light on the water since the long winter ended . "
    "She opened the second letter , read it twice without a word , and put it back . "
    "It cost about 3.50 at the market , which Dr. Meyer thought was rather a lot of money . "
    "What would you have done with the rest of the day if the train had not come ? ";

static int64_t now_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static int chunk(char *out, size_t room, const char *line, int length) {
    return snprintf(out, room, "%x\r\n%.*s\r\n", (unsigned)length, length, line);
}

static void build_block(Block *block, bool chat) {
    char line[256];
    const char *word = TEXT;
    block->bytes = malloc(BLOCK * 256);
    size_t at = 0;
    for (int i = 0; i < BLOCK; i++) {
        const char *end = strchr(word, ' ');
        bool mark = strchr(".,?", *word) != NULL; /* a mark follows its word without a space, a word brings its own */
        char token[32];
        snprintf(token, sizeof token, "%s%.*s", mark ? "" : " ", (int)(end - word), word);
        int length = snprintf(line, sizeof line,
            chat ? "{\"model\":\"llama3.2\",\"created_at\":\"" STAMP "\",\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"done\":false}\n"
                 : "{\"model\":\"llama3.2\",\"created_at\":\"" STAMP "\",\"response\":\"%s\",\"done\":false}\n", token);
        block->offsets[i] = at;
        at += (size_t)chunk(block->bytes + at, 256, line, length);
        char *stamp = memmem(block->bytes + block->offsets[i], at - block->offsets[i], STAMP, 30);
        block->stamps[i] = (size_t)(stamp - (block->bytes + block->offsets[i]));
        word = end[1] ? end + 1 : TEXT;
    }
    block->offsets[BLOCK] = at;
}

static void write_stamp(char *to, int64_t moment) {
    static char minute[32];
    static int64_t cached = -1;
    if (moment / (60 * SECOND) != cached) {
        time_t seconds = (time_t)(moment / SECOND);
        struct tm parts;
        strftime(minute, sizeof minute, "%Y-%m-%dT%H:%M:", gmtime_r(&seconds, &parts));
        cached = moment / (60 * SECOND);
    }
    memcpy(to, minute, 17);
    int64_t rest = moment % (60 * SECOND);
    for (int place = 28; place >= 17; place--) {
        if (place == 19) { to[place] = '.'; continue; }
        to[place] = (char)('0' + rest % 10);
        rest /= 10;
    }
}

/* ---- timers: a binary heap on the next moment each paced stream is due ---- */

static void heap_set(int place, Connection *c) { heap[place] = c; c->heap_place = place; }

static void heap_sift(Connection *c, int place) {
    while (place > 0 && heap[(place - 1) / 2]->due > c->due) {
        heap_set(place, heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (int child; (child = 2 * place + 1) < heap_size; place = child) {
        if (child + 1 < heap_size && heap[child + 1]->due < heap[child]->due) child++;
        if (heap[child]->due >= c->due) break;
        heap_set(place, heap[child]);
    }
    heap_set(place, c);
}

static void heap_add(Connection *c) { heap_sift(c, heap_size++); }

static void heap_remove(Connection *c) {
    if (c->heap_place < 0) return;
    Connection *last = heap[--heap_size];
    if (last != c) heap_sift(last, c->heap_place);
    c->heap_place = -1;
}

static void arm_timer(void) {
    struct itimerspec when = {0};
    if (heap_size) {
        when.it_value.tv_sec = heap[0]->due / SECOND;
        when.it_value.tv_nsec = heap[0]->due % SECOND + 1;
    }
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* ---- writing ---- */

static void drop(Connection *c) {
    heap_remove(c);
    if (c->state == GATED) gate_waiting--;
    connections[c->fd] = NULL;
    close(c->fd);
    free(c);
    open_count--;
}

static bool send_some(Connection *c, const char *bytes, size_t length, size_t *sent) {
    while (*sent < length) {
        ssize_t n = send(c->fd, bytes + *sent, length - *sent, MSG_NOSIGNAL);
        if (n < 0) return false; /* full: EPOLLOUT will come; broken: EPOLLIN/HUP will come */
        *sent += (size_t)n;
    }
    return true;
}

static void put_tail(Connection *c) {
    char line[700];
    int length = snprintf(line, sizeof line,
        "{\"model\":\"llama3.2\",\"created_at\":\"" STAMP "\",%s,\"done\":true,\"done_reason\":\"stop\",%s"
        "\"total_duration\":5043500667,\"load_duration\":5025959,\"prompt_eval_count\":26,"
        "\"prompt_eval_duration\":325953000,\"eval_count\":%ld,\"eval_duration\":4709213000}\n",
        c->chat ? "\"message\":{\"role\":\"assistant\",\"content\":\"\"}" : "\"response\":\"\"",
        c->chat ? "" : "\"context\":[128006,882,128007,271,10445,374,279,13180,6437,30,128009,128006,78191,128007],",
        c->total);
    write_stamp(strstr(line, STAMP), now_ns(CLOCK_REALTIME));
    c->out_length = (size_t)chunk(c->out, sizeof c->out - 8, line, length);
    memcpy(c->out + c->out_length, "0\r\n\r\n", 5);
    c->out_length += 5;
    c->out_sent = 0;
    c->state = ENDING;
}

static void take_request(Connection *c);

static void push(Connection *c) {
    Block *block = c->chat ? &chat_block : &generate_block;
    if (!send_some(c, c->out, c->out_length, &c->out_sent)) return;
    while (c->state == BLAST) {
        if (c->sent == c->total) { put_tail(c); break; }
        long lines = c->total - c->sent < BLOCK ? c->total - c->sent : BLOCK;
        if (!send_some(c, block->bytes, block->offsets[lines], &c->block_offset)) return;
        c->sent += lines;
        c->block_offset = 0;
        tokens_sent += lines;
    }
    if (c->state != ENDING || !send_some(c, c->out, c->out_length, &c->out_sent)) return;
    if (c->close_after) { drop(c); return; }
    c->state = READING;
    c->out_length = c->out_sent = 0;
    take_request(c);
}

static void send_due(void) {
    uint64_t ticks;
    if (read(timer, &ticks, sizeof ticks) < 0 && errno != EAGAIN) return;
    for (int64_t now = now_ns(CLOCK_MONOTONIC); heap_size && heap[0]->due <= now; now = now_ns(CLOCK_MONOTONIC)) {
        Connection *c = heap[0];
        if (now - c->due > worst_late) worst_late = now - c->due;
        c->due += c->interval;
        if (c->out_sent < c->out_length) { heap_sift(c, 0); push(c); continue; } /* the reader is behind */
        Block *block = c->chat ? &chat_block : &generate_block;
        if (c->sent == c->total) {
            heap_remove(c);
            put_tail(c);
        } else {
            size_t i = (size_t)(c->sent++ % BLOCK), begin = block->offsets[i];
            c->out_length = block->offsets[i + 1] - begin;
            c->out_sent = 0;
            memcpy(c->out, block->bytes + begin, c->out_length);
            write_stamp(c->out + block->stamps[i], now_ns(CLOCK_REALTIME));
            tokens_sent++;
            if (c->sent == c->total) c->due -= c->interval; /* the last line follows at once */
            heap_sift(c, 0);
        }
        push(c);
    }
    arm_timer();
}

static void open_gate(void) {
    int64_t start = now_ns(CLOCK_MONOTONIC) + (GATE_DELAY_MS + gate_waiting) * 1000000LL;
    double phase = 0; /* golden ratio steps spread any number of streams evenly over one interval */
    for (int fd = 0; fd < MOST_FILES; fd++) {
        Connection *c = connections[fd];
        if (!c || c->state != GATED) continue;
        phase += 0.6180339887498949;
        if (phase >= 1) phase -= 1;
        c->state = PACED;
        c->due = start + (int64_t)(phase * (double)c->interval);
        heap_add(c);
    }
    gate_waiting = 0;
    arm_timer();
}

/* ---- reading ---- */

static long number_in(const char *path, char letter, long otherwise) {
    for (const char *at = path; (at = strchr(at, '/')) && *++at;)
        if (*at == letter && at[1] >= '0' && at[1] <= '9') return atol(at + 1);
    return otherwise;
}

static void answer_json(Connection *c, const char *body) {
    c->out_length = (size_t)snprintf(c->out, sizeof c->out,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    c->state = ENDING;
}

static const char *FACTS[][2] = {
    {"/api/tags", "{\"models\":[{\"name\":\"llama3.2:latest\",\"model\":\"llama3.2:latest\",\"digest\":\"0123456789ab\","
                  "\"modified_at\":\"2026-01-01T00:00:00Z\",\"size\":2019393189,\"details\":{}}]}\n"},
    {"/api/ps", "{\"models\":[]}\n"},
    {"/api/version", "{\"version\":\"0.13.0\"}\n"},
};

static void answer_stats(Connection *c) {
    char body[200];
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
                   + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    snprintf(body, sizeof body, "{\"cpu\":%.6f,\"tokens\":%ld,\"worst_late_ms\":%.3f,\"connections\":%d}\n",
             seconds, tokens_sent, (double)worst_late / 1e6, open_count);
    worst_late = tokens_sent = 0;
    answer_json(c, body);
}

static void choose(Connection *c, const char *path) {
    chosen_tokens = number_in(path, 'n', chosen_tokens);
    chosen_rate = number_in(path, 'r', chosen_rate);
    chosen_gate = number_in(path, 'c', chosen_gate);
    answer_json(c, "{}\n");
}

static void start_answer(Connection *c, const char *head) {
    char path[512] = "";
    sscanf(head, "%*15s %511s", path);
    const char *body = strcasestr(head, "\r\ncontent-length:");
    c->body_left = body ? strtoul(body + 17, NULL, 10) : 0;
    c->close_after = strcasestr(head, "\r\nconnection: close") != NULL;
    c->chat = strstr(path, "/chat") != NULL;
    c->out_sent = 0;
    c->sent = 0;
    c->block_offset = 0;
    if (strstr(path, "/stats")) { answer_stats(c); return; }
    if (strstr(path, "/choose")) { choose(c, path); return; }
    for (size_t i = 0; i < sizeof FACTS / sizeof *FACTS; i++)
        if (strstr(path, FACTS[i][0])) { answer_json(c, FACTS[i][1]); return; }
    long rate = number_in(path, 'r', chosen_rate);
    c->total = number_in(path, 'n', chosen_tokens);
    c->gate = number_in(path, 'c', chosen_gate);
    c->interval = rate ? SECOND / rate : 0;
    c->out_length = (size_t)snprintf(c->out, sizeof c->out,
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
    c->state = !rate ? BLAST : c->gate ? GATED : PACED;
    if (c->state == GATED) gate_waiting++;
    if (c->state == PACED) { c->due = now_ns(CLOCK_MONOTONIC) + c->interval; heap_add(c); arm_timer(); }
}

static void take_request(Connection *c) {
    if (c->state != READING) return;
    char *end = memmem(c->in, c->in_length, "\r\n\r\n", 4);
    if (!end) return;
    *end = '\0';
    size_t head = (size_t)(end - c->in) + 4;
    start_answer(c, c->in);
    size_t body = c->in_length - head < c->body_left ? c->in_length - head : c->body_left;
    c->body_left -= body;
    c->in_length -= head + body;
    memmove(c->in, c->in + head + body, c->in_length);
    long wanted = c->gate; /* push may free c */
    push(c);
    if (wanted && gate_waiting >= wanted) open_gate();
}

static void pull(Connection *c) {
    for (;;) {
        char skipped[65536];
        bool skip = c->body_left > 0;
        size_t room = skip ? (c->body_left < sizeof skipped ? c->body_left : sizeof skipped) : sizeof c->in - 1 - c->in_length;
        ssize_t n = recv(c->fd, skip ? skipped : c->in + c->in_length, room, 0);
        if (n < 0 && errno == EAGAIN) break;
        if (n <= 0) { drop(c); return; } /* closed, broken, or a head that does not fit (room 0) */
        if (skip) { c->body_left -= (size_t)n; continue; }
        c->in_length += (size_t)n;
        c->in[c->in_length] = '\0';
        int fd = c->fd;
        take_request(c);
        if (connections[fd] != c) return;
    }
}

static void accept_all(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        if (fd >= MOST_FILES) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        Connection *c = calloc(1, sizeof *c);
        c->fd = fd;
        c->heap_place = -1;
        connections[fd] = c;
        open_count++;
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_on(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 8192)) { perror("listen"); exit(1); }
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    pid_t parent = getppid();
    build_block(&generate_block, false);
    build_block(&chat_block, true);
    poller = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int listener = listen_on(argc > 1 ? atoi(argv[1]) : 0);
    for (int i = 0, fds[2] = {listener, timer}; i < 2; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
        epoll_ctl(poller, EPOLL_CTL_ADD, fds[i], &event);
    }
    for (int idle = 0; idle < IDLE_SECONDS && getppid() == parent;) {
        struct epoll_event events[512];
        int count = epoll_wait(poller, events, 512, 1000);
        idle = count == 0 && open_count == 0 ? idle + 1 : 0;
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) accept_all(listener);
            else if (fd == timer) send_due();
            else {
                if (connections[fd] && events[i].events & EPOLLOUT) push(connections[fd]);
                if (connections[fd] && events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) pull(connections[fd]);
            }
        }
    }
    return 0;
}
