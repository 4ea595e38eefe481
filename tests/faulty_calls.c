/* Preloaded into the processes that tests/torture.py torments: it counts the system calls that read, write, sync, name
 * or remove anything below one folder, and at the chosen one kills the process or has the call fail; or it lets the
 * disk be full after so many bytes. Below Python, so that SQLite's and tantivy's calls count like our own.
 *
 *     cc -shared -fPIC -O2 -o faulty_calls.so faulty_calls.c -ldl
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { OFF, COUNT, KILL, KILL_AFTER, FAIL, FAIL_FROM, FILL };
enum kind { READ, WRITE, OPEN, CREATE, LIST, SYNC, RENAME, REMOVE, MKDIR, TRUNCATE, KINDS };
static const char *NAMES[KINDS] = {"read", "write", "open",   "create", "list",
                                   "sync", "rename", "remove", "mkdir",  "truncate"};

static enum mode mode = OFF;
static char folder[PATH_MAX];
static size_t folder_length;
static unsigned kinds;   /* the kinds that count, one bit each */
static long chosen;      /* the step that is struck, from 1 */
static int error_number; /* what a struck call fails with */
static long room;        /* bytes that the disk still takes, with FILL */
static int trace = -1;   /* a file descriptor that is told every step */
static long steps, written;

/* Sets all of it, from Python. */
void faulty_calls(int new_mode, const char *path, unsigned which, long at, int number, long bytes, int traced) {
    mode = OFF;
    folder_length = strlen(path);
    memcpy(folder, path, folder_length + 1);
    kinds = which, chosen = at, error_number = number, room = bytes, trace = traced;
    steps = written = 0;
    mode = (enum mode)new_mode;
}

long faulty_steps(void) { return steps; }

long faulty_written(void) { return written; }

/* The path of what a call names: `path` itself, or the one that it is relative to and it; or that of an open file. */
static const char *named(int descriptor, const char *path, char *buffer) {
    char link[64];
    ssize_t length;
    if (path && path[0] == '/') return path;
    if (descriptor == AT_FDCWD) {
        length = syscall(SYS_getcwd, buffer, PATH_MAX) - 1;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        length = syscall(SYS_readlinkat, AT_FDCWD, link, buffer, PATH_MAX);
    }
    if (length < 0) length = 0;
    buffer[length] = 0;
    if (path) snprintf(buffer + length, 2 * PATH_MAX - length, "/%s", path);
    return buffer;
}

static void die(void) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) pause();
}

/* Takes one step: 0 to go on, 1 to go on and die after it, -1 to fail with `errno`. */
static int step(enum kind kind, int descriptor, const char *path) {
    char buffer[2 * PATH_MAX + 2];
    int number = errno;
    if (mode == OFF || !(kinds >> kind & 1)) return 0;
    const char *name = named(descriptor, path, buffer);
    errno = number;
    if (strncmp(name, folder, folder_length) || (name[folder_length] && name[folder_length] != '/')) return 0;
    long now = __atomic_add_fetch(&steps, 1, __ATOMIC_SEQ_CST);
    if (trace >= 0) {
        char line[PATH_MAX + 32];
        int length = snprintf(line, sizeof line, "%s %s\n", NAMES[kind], name + folder_length);
        syscall(SYS_write, trace, line, length);
    }
    if (mode == KILL && now == chosen) die();
    if (mode == KILL_AFTER && now == chosen) return 1;
    if ((mode == FAIL && now == chosen) || (mode == FAIL_FROM && now >= chosen)) {
        errno = error_number;
        return -1;
    }
    return 0;
}

#define CALL(kind, descriptor, path, call)                  \
    int todo = step(kind, descriptor, path);                \
    if (todo < 0) return -1;                                \
    long result = (call);                                   \
    if (todo > 0) die();                                    \
    return result

/* How much of a write is done: half of it before death, as much of it as there is room for on a full disk. */
static ssize_t share(int todo, size_t size, int ours) {
    if (todo > 0) return size / 2;
    if (mode == FILL && ours) {
        long left = __atomic_fetch_sub(&room, (long)size, __ATOMIC_SEQ_CST);
        if (left < (long)size) {
            if (left <= 0) return -1;
            return left;
        }
    }
    return size;
}

static int below(int descriptor) {
    char buffer[2 * PATH_MAX + 2];
    int number = errno;
    const char *name = named(descriptor, NULL, buffer);
    errno = number;
    return !strncmp(name, folder, folder_length);
}

#define WRITES(descriptor, size, call)                      \
    if (mode == OFF) {                                      \
        size_t part = size;                                 \
        return call;                                        \
    }                                                       \
    int todo = step(WRITE, descriptor, NULL);               \
    if (todo < 0) return -1;                                \
    int ours = below(descriptor);                           \
    ssize_t given = share(todo, size, ours);                \
    if (given < 0) {                                        \
        errno = ENOSPC;                                     \
        return -1;                                          \
    }                                                       \
    size_t part = given;                                    \
    ssize_t result = (call);                                \
    if (ours && result > 0) __atomic_add_fetch(&written, result, __ATOMIC_SEQ_CST); \
    if (todo > 0) die();                                    \
    return result

ssize_t write(int descriptor, const void *data, size_t size) {
    WRITES(descriptor, size, syscall(SYS_write, descriptor, data, part));
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t offset) {
    WRITES(descriptor, size, syscall(SYS_pwrite64, descriptor, data, part, offset));
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset) {
    return pwrite64(descriptor, data, size, offset);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    for (int i = 0; i < count; i++) /* a write may always be a part of what was asked */
        if (parts[i].iov_len) return write(descriptor, parts[i].iov_base, parts[i].iov_len);
    return 0;
}

ssize_t read(int descriptor, void *data, size_t size) {
    CALL(READ, descriptor, NULL, syscall(SYS_read, descriptor, data, size));
}

ssize_t pread64(int descriptor, void *data, size_t size, off64_t offset) {
    CALL(READ, descriptor, NULL, syscall(SYS_pread64, descriptor, data, size, offset));
}

static int open_at(int descriptor, const char *path, int flags, int permission) {
    enum kind kind = flags & (O_CREAT | O_WRONLY | O_RDWR) ? CREATE : flags & O_DIRECTORY ? LIST : OPEN;
    CALL(kind, descriptor, path, syscall(SYS_openat, descriptor, path, flags, permission));
}

#define PERMISSION                                          \
    int permission = 0;                                     \
    if (flags & (O_CREAT | O_TMPFILE)) {                    \
        va_list rest;                                       \
        va_start(rest, flags);                              \
        permission = va_arg(rest, int);                     \
        va_end(rest);                                       \
    }

int open(const char *path, int flags, ...) {
    PERMISSION
    return open_at(AT_FDCWD, path, flags, permission);
}

int open64(const char *path, int flags, ...) {
    PERMISSION
    return open_at(AT_FDCWD, path, flags, permission);
}

int openat(int descriptor, const char *path, int flags, ...) {
    PERMISSION
    return open_at(descriptor, path, flags, permission);
}

int openat64(int descriptor, const char *path, int flags, ...) {
    PERMISSION
    return open_at(descriptor, path, flags, permission);
}

DIR *opendir(const char *path) {
    static DIR *(*real)(const char *);
    if (!real) real = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");
    int todo = step(LIST, AT_FDCWD, path);
    if (todo < 0) return NULL;
    DIR *result = real(path);
    if (todo > 0) die();
    return result;
}

int fsync(int descriptor) { CALL(SYNC, descriptor, NULL, syscall(SYS_fsync, descriptor)); }

int fdatasync(int descriptor) { CALL(SYNC, descriptor, NULL, syscall(SYS_fdatasync, descriptor)); }

int renameat(int from, const char *old, int to, const char *new) {
    CALL(RENAME, to, new, syscall(SYS_renameat2, from, old, to, new, 0));
}

int rename(const char *old, const char *new) { return renameat(AT_FDCWD, old, AT_FDCWD, new); }

int unlinkat(int descriptor, const char *path, int flags) {
    CALL(REMOVE, descriptor, path, syscall(SYS_unlinkat, descriptor, path, flags));
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int descriptor, const char *path, mode_t permission) {
    CALL(MKDIR, descriptor, path, syscall(SYS_mkdirat, descriptor, path, permission));
}

int mkdir(const char *path, mode_t permission) { return mkdirat(AT_FDCWD, path, permission); }

int ftruncate64(int descriptor, off64_t size) {
    CALL(TRUNCATE, descriptor, NULL, syscall(SYS_ftruncate, descriptor, size));
}

int ftruncate(int descriptor, off_t size) { return ftruncate64(descriptor, size); }
