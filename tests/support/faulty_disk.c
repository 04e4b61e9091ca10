/* Preloaded into a service: what a disk does to SQLite's write-ahead log, as a shared file says. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct faults {
    volatile int failing;      /* how many of the next syncs fail; negative: all of them */
    volatile int microseconds; /* how long a sync takes more than it would */
    volatile int syncs;        /* how many there have been */
    volatile int fatal;        /* whether the process is killed as the next one has succeeded */
};

static struct faults *shared(void) {
    static struct faults *found;
    const char *path = getenv("FAULTS");
    if (!found && path) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd >= 0) {
            void *map = mmap(NULL, sizeof *found, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            close(fd);
            if (map != MAP_FAILED)
                found = map;
        }
    }
    return found;
}

static int is_log(int fd) {
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    return length > 4 && !memcmp(path + length - 4, "-wal", 4);
}

static int sync_file(const char *function, int fd) {
    struct faults *faults = shared();
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, function);
    if (faults && is_log(fd)) {
        __sync_fetch_and_add(&faults->syncs, 1);
        if (faults->microseconds)
            usleep(faults->microseconds);
        if (faults->failing) {
            if (faults->failing > 0)
                __sync_fetch_and_sub(&faults->failing, 1);
            errno = EIO;
            return -1;
        }
    }
    int result = real(fd);
    if (faults && faults->fatal && is_log(fd))
        kill(getpid(), SIGKILL);
    return result;
}

int fsync(int fd) { return sync_file("fsync", fd); }

int fdatasync(int fd) { return sync_file("fdatasync", fd); }
