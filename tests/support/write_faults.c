/* Fails one write below a folder, or every write from one on, with a given errno. Loaded with LD_PRELOAD; see write_faults.py.
 *
 * All processes share one control block, a file that NAIAD_FAULTS names, so the writes of a server and of its agents are counted
 * together. A call is counted when it would change the disk: an open that creates a file, a mkdir of a folder that is not there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct control {
    _Atomic long at;      /* 0: off; -1: only counts; n: the n-th write fails */
    _Atomic long number;  /* errno */
    _Atomic long sticky;  /* whether every later write fails, too */
    _Atomic long count, failed;
    char folder[1024];
    char first[1024];     /* the first call that failed, with its path */
};
static struct control *control;

__attribute__((constructor)) static void attach(void) {
    const char *name = getenv("NAIAD_FAULTS");
    int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *block = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (block != MAP_FAILED) control = block;
}

static int is_on(void) { return control && atomic_load(&control->at) != 0; }

static int is_below(const char *path) {
    size_t length = strlen(control->folder);
    return length && strncmp(path, control->folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int fd_path(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    return length > 0;
}

static void absolute(int at, const char *name, char *path) {
    char base[PATH_MAX] = "";
    if (name[0] == '/') base[0] = 0;
    else if (at == AT_FDCWD) { if (!getcwd(base, sizeof base)) base[0] = 0; }
    else fd_path(at, base);
    snprintf(path, PATH_MAX, "%s%s%s", base, name[0] == '/' ? "" : "/", name);
    if (strncmp(path, "/proc/self/fd/", 14) == 0) {  /* a folder that is open: /proc/self/fd/N/rest */
        char *rest = strchr(path + 14, '/'), open_path[PATH_MAX], joined[PATH_MAX + 1024];
        if (fd_path(atoi(path + 14), open_path)) {
            snprintf(joined, sizeof joined, "%s%.1000s", open_path, rest ? rest : "");
            snprintf(path, PATH_MAX, "%.4000s", joined);
        }
    }
}

/* A disk that stays full refuses what needs room, and takes the rest: bytes over bytes, syncs, renames, shorter files. */
static int stays_full(void) { return atomic_load(&control->sticky) && atomic_load(&control->number) == ENOSPC; }

/* Returns whether this write fails; errno is set then. */
static int fails(const char *call, const char *path, int grows) {
    if (!is_below(path) || (!grows && stays_full())) return 0;
    long number = atomic_fetch_add(&control->count, 1) + 1, at = atomic_load(&control->at);
    if (at < 0 || number < at || (number > at && !atomic_load(&control->sticky))) return 0;
    if (atomic_fetch_add(&control->failed, 1) == 0) snprintf(control->first, sizeof control->first, "%s %.900s", call, path);
    errno = (int)atomic_load(&control->number);
    return 1;
}

static int grows_to(int fd, off_t end) {
    struct stat status;
    return fstat(fd, &status) != 0 || end > status.st_size;
}

/* Whether a write at the file's position makes it longer. */
static int appends(int fd, size_t size) {
    int before = errno;
    off_t at = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
    errno = before;
    return at < 0 || grows_to(fd, at + (off_t)size);
}

static int fd_fails(const char *call, int fd, int grows) {
    char path[PATH_MAX];
    if (!is_on()) return 0;
    int before = errno, failed = fd_path(fd, path) && fails(call, path, grows);
    if (!failed) errno = before;
    return failed;
}

static int path_fails(const char *call, int at, const char *name, int grows) {
    char path[PATH_MAX];
    if (!is_on()) return 0;
    int before = errno;
    absolute(at, name, path);
    int failed = fails(call, path, grows);
    if (!failed) errno = before;
    return failed;
}

static int is_missing(int at, const char *name) {
    struct stat status;
    int before = errno, missing = fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) != 0;
    errno = before;
    return missing;
}

#define NEXT(name) ({ static __typeof__(&name) next; if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name); next; })
#define ON_FD(type, name, arguments, values, grows) \
    type name arguments { if (is_on() && fd_fails(#name, fd, grows)) return -1; return NEXT(name) values; }
#define ON_PATH(name, arguments, values, at, path, grows) \
    int name arguments { if (path_fails(#name, at, path, grows)) return -1; return NEXT(name) values; }
#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \
        if ((flags & O_CREAT) && is_on() && is_missing(AT_FDCWD, path) && path_fails("create", AT_FDCWD, path, 1)) return -1; \
        return NEXT(name)(path, flags, mode); }
#define OPENS_AT(name) \
    int name(int at, const char *path, int flags, ...) { \
        va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \
        if ((flags & O_CREAT) && is_on() && is_missing(at, path) && path_fails("create", at, path, 1)) return -1; \
        return NEXT(name)(at, path, flags, mode); }

OPENS(open) OPENS(open64) OPENS_AT(openat) OPENS_AT(openat64)
ON_FD(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size), appends(fd, size))
ON_FD(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), grows_to(fd, at + size))
ON_FD(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at), grows_to(fd, at + size))
ON_FD(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), appends(fd, 1))
ON_FD(int, fsync, (int fd), (fd), 0)
ON_FD(int, fdatasync, (int fd), (fd), 0)
ON_FD(int, ftruncate, (int fd, off_t size), (fd, size), grows_to(fd, size))
ON_FD(int, ftruncate64, (int fd, off64_t size), (fd, size), grows_to(fd, size))
ON_FD(int, fallocate, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size), 1)
int posix_fallocate(int fd, off_t at, off_t size) {
    return fd_fails("posix_fallocate", fd, 1) ? errno : NEXT(posix_fallocate)(fd, at, size);
}
int posix_fallocate64(int fd, off64_t at, off64_t size) {
    return fd_fails("posix_fallocate", fd, 1) ? errno : NEXT(posix_fallocate64)(fd, at, size);
}
ssize_t copy_file_range(int in, off64_t *in_at, int fd, off64_t *at, size_t size, unsigned flags) {
    return fd_fails("copy_file_range", fd, 1) ? -1 : NEXT(copy_file_range)(in, in_at, fd, at, size, flags);
}
ssize_t sendfile(int fd, int in, off_t *at, size_t size) {
    return fd_fails("sendfile", fd, 1) ? -1 : NEXT(sendfile)(fd, in, at, size);
}
ssize_t sendfile64(int fd, int in, off64_t *at, size_t size) {
    return fd_fails("sendfile", fd, 1) ? -1 : NEXT(sendfile64)(fd, in, at, size);
}
ON_PATH(rename, (const char *from, const char *to), (from, to), AT_FDCWD, to, 0)
ON_PATH(renameat, (int from_at, const char *from, int to_at, const char *to), (from_at, from, to_at, to), to_at, to, 0)
ON_PATH(link, (const char *from, const char *to), (from, to), AT_FDCWD, to, 1)
ON_PATH(linkat, (int from_at, const char *from, int to_at, const char *to, int flags), (from_at, from, to_at, to, flags), to_at, to, 1)
ON_PATH(symlink, (const char *to, const char *path), (to, path), AT_FDCWD, path, 1)
int mkdir(const char *path, mode_t mode) {
    if (is_on() && is_missing(AT_FDCWD, path) && path_fails("mkdir", AT_FDCWD, path, 1)) return -1;
    return NEXT(mkdir)(path, mode);
}
int mkdirat(int at, const char *path, mode_t mode) {
    if (is_on() && is_missing(at, path) && path_fails("mkdir", at, path, 1)) return -1;
    return NEXT(mkdirat)(at, path, mode);
}
/* A full disk still removes names; a broken one does not. */
static int is_broken(void) { return is_on() && atomic_load(&control->number) != ENOSPC; }
int unlink(const char *path) {
    if (is_broken() && !is_missing(AT_FDCWD, path) && path_fails("unlink", AT_FDCWD, path, 0)) return -1;
    return NEXT(unlink)(path);
}
int unlinkat(int at, const char *path, int flags) {
    if (is_broken() && !is_missing(at, path) && path_fails("unlink", at, path, 0)) return -1;
    return NEXT(unlinkat)(at, path, flags);
}
int rmdir(const char *path) {
    if (is_broken() && !is_missing(AT_FDCWD, path) && path_fails("rmdir", AT_FDCWD, path, 0)) return -1;
    return NEXT(rmdir)(path);
}
