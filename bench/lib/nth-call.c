/*
 * Loaded in front of the C library (LD_PRELOAD): makes the N-th call of one kind on files below one folder fail, whichever thread makes
 * it, once or from then on. Counting by threads, as a tracer does it, would fail several calls of one run.
 *
 *   NTH_FOLDER  the folder, an absolute path
 *   NTH_KIND    open, write, sync, truncate, rename, unlink, mkdir, read, close, map or lock
 *   NTH_CALL    which call, from 1; 0 fails none
 *   NTH_ERRNO   the number of the error
 *   NTH_LASTING 1: that call and all after it
 *   NTH_LOG     a file that gets a line for each call that failed; with NTH_CALL 0 for each call of any kind
 *
 * It declares what it uses itself, so that a compiler is enough: cc -shared -fPIC -O2 -nostdlib.
 */

#include <stdarg.h>

typedef long ssize;
typedef unsigned long size;
struct iovec;

extern int *__errno_location(void);
extern char *getenv(const char *);
extern void *dlsym(void *, const char *);
extern size strlen(const char *);
extern int strncmp(const char *, const char *, size);
extern int strcmp(const char *, const char *);
extern int snprintf(char *, size, const char *, ...);
extern int atoi(const char *);
extern char *strdup(const char *);

#define NEXT ((void *)-1)
#define FILES 65536

static char *volatile names[FILES];
static const char *folder, *kind, *log_path;
static int wanted, error, lasting, calls;

static int (*real_open)(const char *, int, ...);
static ssize (*real_write)(int, const void *, size);
static int (*real_close)(int);

__attribute__((constructor)) static void begin(void) {
  real_open = dlsym(NEXT, "open64");
  real_write = dlsym(NEXT, "write");
  real_close = dlsym(NEXT, "close");
  folder = getenv("NTH_FOLDER");
  kind = getenv("NTH_KIND");
  log_path = getenv("NTH_LOG");
  wanted = getenv("NTH_CALL") ? atoi(getenv("NTH_CALL")) : 0;
  error = getenv("NTH_ERRNO") ? atoi(getenv("NTH_ERRNO")) : 5;
  lasting = getenv("NTH_LASTING") != 0 && strcmp(getenv("NTH_LASTING"), "1") == 0;
}

static int is_below(const char *path) {
  size length;
  if (folder == 0 || path == 0) return 0;
  length = strlen(folder);
  return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static const char *name_of(int fd) {
  return fd >= 0 && fd < FILES ? names[fd] : 0;
}

static void note(const char *what, const char *path) {
  char line[4200];
  int length, fd;
  if (log_path == 0) return;
  length = snprintf(line, sizeof line, "%s %s\n", what, path);
  fd = real_open(log_path, 02001 | 0100, 0600); /* append, write, create */
  if (fd < 0) return;
  real_write(fd, line, length < (int)sizeof line ? (size)length : sizeof line - 1);
  real_close(fd);
}

/* Whether this call is to fail. */
static int fails(const char *what, const char *path) {
  int at, saved = *__errno_location();
  if (path == 0 || folder == 0) return 0;
  if (wanted == 0) {
    note(what, path);
    *__errno_location() = saved;
    return 0;
  }
  if (kind == 0 || strcmp(what, kind) != 0) return 0;
  at = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
  if (at < wanted || (at > wanted && !lasting)) return 0;
  note(what, path);
  *__errno_location() = error;
  return 1;
}

#define REAL(name, type) \
  static __typeof__(type) *real; \
  if (real == 0) real = (__typeof__(type) *)dlsym(NEXT, name)

static int opened(int fd, const char *path) {
  if (fd >= 0 && fd < FILES) names[fd] = is_below(path) ? strdup(path) : 0;
  return fd;
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    int mode; \
    va_list more; \
    va_start(more, flags); \
    mode = va_arg(more, int); \
    va_end(more); \
    if (is_below(path) && fails("open", path)) return -1; \
    return opened(real_open(path, flags, mode), path); \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  const char *path = name_of(fd);
  int failed;
  if (path == 0) return real_close(fd);
  names[fd] = 0;
  failed = fails("close", path);
  /* As Linux does: the descriptor is gone whatever close says. */
  if (real_close(fd) != 0) return -1;
  if (failed) *__errno_location() = error;
  return failed ? -1 : 0;
}

ssize write(int fd, const void *from, size count) {
  return name_of(fd) && fails("write", name_of(fd)) ? -1 : real_write(fd, from, count);
}

ssize pwrite64(int fd, const void *from, size count, long at) {
  REAL("pwrite64", ssize(int, const void *, size, long));
  return name_of(fd) && fails("write", name_of(fd)) ? -1 : real(fd, from, count, at);
}

ssize writev(int fd, const struct iovec *from, int count) {
  REAL("writev", ssize(int, const struct iovec *, int));
  return name_of(fd) && fails("write", name_of(fd)) ? -1 : real(fd, from, count);
}

ssize pwritev64(int fd, const struct iovec *from, int count, long at) {
  REAL("pwritev64", ssize(int, const struct iovec *, int, long));
  return name_of(fd) && fails("write", name_of(fd)) ? -1 : real(fd, from, count, at);
}

ssize sendfile64(int to, int from, long *at, size count) {
  REAL("sendfile64", ssize(int, int, long *, size));
  return name_of(to) && fails("write", name_of(to)) ? -1 : real(to, from, at, count);
}

ssize read(int fd, void *into, size count) {
  REAL("read", ssize(int, void *, size));
  return name_of(fd) && fails("read", name_of(fd)) ? -1 : real(fd, into, count);
}

ssize pread64(int fd, void *into, size count, long at) {
  REAL("pread64", ssize(int, void *, size, long));
  return name_of(fd) && fails("read", name_of(fd)) ? -1 : real(fd, into, count, at);
}

ssize preadv64(int fd, const struct iovec *into, int count, long at) {
  REAL("preadv64", ssize(int, const struct iovec *, int, long));
  return name_of(fd) && fails("read", name_of(fd)) ? -1 : real(fd, into, count, at);
}

#define SYNC(name) \
  int name(int fd) { \
    REAL(#name, int (int)); \
    return name_of(fd) && fails("sync", name_of(fd)) ? -1 : real(fd); \
  }
SYNC(fsync)
SYNC(fdatasync)

int ftruncate64(int fd, long length) {
  REAL("ftruncate64", int (int, long));
  return name_of(fd) && fails("truncate", name_of(fd)) ? -1 : real(fd, length);
}

int rename(const char *from, const char *to) {
  REAL("rename", int (const char *, const char *));
  return is_below(from) && fails("rename", from) ? -1 : real(from, to);
}

#define REMOVE(name) \
  int name(const char *path) { \
    REAL(#name, int (const char *)); \
    return is_below(path) && fails("unlink", path) ? -1 : real(path); \
  }
REMOVE(unlink)
REMOVE(remove)

int unlinkat(int at, const char *path, int flags) {
  REAL("unlinkat", int (int, const char *, int));
  return is_below(path) && fails("unlink", path) ? -1 : real(at, path, flags);
}

int mkdir(const char *path, unsigned mode) {
  REAL("mkdir", int (const char *, unsigned));
  return is_below(path) && fails("mkdir", path) ? -1 : real(path, mode);
}

#define MAP(name) \
  void *name(void *at, size length, int protection, int flags, int fd, long offset) { \
    REAL(#name, void *(void *, size, int, int, int, long)); \
    return name_of(fd) && fails("map", name_of(fd)) ? NEXT : real(at, length, protection, flags, fd, offset); \
  }
MAP(mmap)
MAP(mmap64)

#define LOCK(name) \
  int name(int fd, int command, ...) { \
    void *argument; \
    va_list more; \
    REAL(#name, int (int, int, ...)); \
    va_start(more, command); \
    argument = va_arg(more, void *); \
    va_end(more); \
    /* F_SETLK only: what else fcntl does is no business of the disk's. */ \
    return command == 6 && name_of(fd) && fails("lock", name_of(fd)) ? -1 : real(fd, command, argument); \
  }
LOCK(fcntl)
LOCK(fcntl64)

long syscall(long number, ...) {
  long a[6];
  int i;
  va_list more;
  REAL("syscall", long (long, ...));
  va_start(more, number);
  for (i = 0; i < 6; i++) a[i] = va_arg(more, long);
  va_end(more);
#ifdef __x86_64__
  /* copy_file_range */
  if (number == 326 && name_of((int)a[2]) && fails("write", name_of((int)a[2]))) return -1;
#endif
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
