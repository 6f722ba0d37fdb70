/*
 * For programs in the test kernel, through LD_PRELOAD: lgpio's thread asks the kernel 2000 times a second whether an
 * edge has come, though ppoll() wakes it at once for one. Waiting costs nothing in virtual time, waking does: those
 * were two fifths of a run. Here a question that found nothing is followed by a longer one. After an edge the next
 * is lgpio's own half a millisecond again, which it needs to let simultaneous edges out in order.
 *
 * A line is free only once nobody asks about it any more, and lgpio closes lines while it asks: closing one of them
 * ends the question first.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST 64
static const struct timespec lgpios = {0, 500000}; /* lgPthAlerts.c */
static const struct timespec longer = {0, 20000000};
static const struct timespec moment = {0, 100000};

static int bell = -1;
static struct pollfd asked[MOST + 1];
static volatile nfds_t asking;        /* how many lines; 0: nobody waits */
static volatile unsigned questions;
static __thread int found_nothing;

static int ask_longer(struct pollfd *lines, nfds_t count, const sigset_t *mask)
{
    struct timespec limit = longer;
    uint64_t rings;

    if (bell < 0)
        bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    memcpy(asked, lines, count * sizeof *lines);
    asked[count] = (struct pollfd){.fd = bell, .events = POLLIN};
    asking = count;
    int ready = syscall(SYS_ppoll, asked, count + 1, &limit, mask, _NSIG / 8);
    asking = 0;
    questions++;
    if (ready > 0 && asked[count].revents)
        ready -= read(bell, &rings, sizeof rings) > 0;
    memcpy(lines, asked, count * sizeof *lines);
    return ready;
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    int ready;

    if (found_nothing && count && count <= MOST && timeout && timeout->tv_sec == lgpios.tv_sec &&
        timeout->tv_nsec == lgpios.tv_nsec) {
        ready = ask_longer(fds, count, mask);
    } else {
        struct timespec limit = timeout ? *timeout : longer; /* the system call changes it */
        ready = syscall(SYS_ppoll, fds, count, timeout ? &limit : NULL, mask, _NSIG / 8);
    }
    found_nothing = ready == 0;
    return ready;
}

/* What a program built with -D_FORTIFY_SOURCE calls. */
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size)
{
    (void)size;
    return ppoll(fds, count, timeout, mask);
}

int close(int fd)
{
    const uint64_t ring = 1;

    for (nfds_t n = 0; n < asking; n++) {
        if (asked[n].fd != fd)
            continue;
        unsigned this = questions;
        if (write(bell, &ring, sizeof ring) < 0)
            break;
        /* Not for ever: after a fork nobody asks here. */
        for (int waits = 0; asking && questions == this && waits < 200; waits++)
            syscall(SYS_nanosleep, &moment, NULL);
        break;
    }
    return syscall(SYS_close, fd);
}
