/*
 * What ends a clone and says why in a place of its own, better than by a line on standard error
 * (standard_error.h): glibc's abort() (which assertion did not hold, what of the heap is corrupt),
 * AddressSanitizer, which finds what it looks for, and our own handlers of signals.
 */
#ifndef BS_AGENT_LAST_WORDS_H
#define BS_AGENT_LAST_WORDS_H

#define LAST_WORDS_BYTES 512 /* with a terminator */

struct control;

/* From now on they are copied to `control->last_words`, and the place to the image's fault_addr. */
void bs_last_words_listen(struct control *control);

/* For handlers of signals. */
void bs_last_words(const char *text);
/* Those of an abort(). */
void bs_last_words_of_abort(void);

#endif
