/* The one BLAS function that faiss calls to train, loaded on its first call.
 *
 * A program that links OpenBLAS loads it at start, and OpenBLAS then starts a thread for every core
 * and aborts where it cannot, whatever the program is about to do. This way only a program that
 * trains loads it. The system still chooses the BLAS, as if it had been linked.
 */

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

typedef void product(const char *, const char *, const int *, const int *, const int *, const float *, const float *,
                     const int *, const float *, const int *, const float *, float *, const int *);

/* c = alpha op(a) op(b) + beta c, column by column: correct and slow, for a system without BLAS. */
static void plain(const char *trans_a, const char *trans_b, const int *m, const int *n, const int *k, const float *alpha,
                  const float *a, const int *lda, const float *b, const int *ldb, const float *beta, float *c,
                  const int *ldc) {
    int a_lies = *trans_a != 'N' && *trans_a != 'n', b_lies = *trans_b != 'N' && *trans_b != 'n';
    ptrdiff_t a_row = a_lies ? *lda : 1, a_column = a_lies ? 1 : *lda;
    ptrdiff_t b_row = b_lies ? *ldb : 1, b_column = b_lies ? 1 : *ldb;
    for (ptrdiff_t j = 0; j < *n; j++) {
        for (ptrdiff_t i = 0; i < *m; i++) {
            float sum = 0, *out = &c[i + j * *ldc];
            for (ptrdiff_t p = 0; p < *k; p++) {
                sum += a[i * a_row + p * a_column] * b[p * b_row + j * b_column];
            }
            *out = *alpha * sum + (*beta == 0 ? 0 : *beta * *out);
        }
    }
}

static product *found = plain;

static void find(void) {
    const char *const names[] = {"libblas.so.3", "libopenblas.so.0", "libblas.so"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        product *function = library ? (product *)dlsym(library, "sgemm_") : NULL;
        if (function) {
            found = function;
            return;
        }
    }
}

/* Weak and hidden: a program with a BLAS of its own uses that; no other library sees this. */
__attribute__((weak, visibility("hidden"))) void sgemm_(const char *trans_a, const char *trans_b, const int *m,
                                                        const int *n, const int *k, const float *alpha, const float *a,
                                                        const int *lda, const float *b, const int *ldb,
                                                        const float *beta, float *c, const int *ldc) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find);
    found(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
