//go:build cgo

// The envelope's work on secp256k1 through libsecp256k1: constant-time in the scalar.
// Every function wipes the vector registers and the stack below it before it returns.
//
// Scalars are 32 bytes, big-endian; points 33 bytes, SEC1 compressed. What is written
// lies in memory of the caller, and is meaningless unless KF_AGREED is returned.

#ifndef KEYFERRY_AGREEMENT_H
#define KEYFERRY_AGREEMENT_H

#include <secp256k1.h>

enum { KF_AGREED, KF_BAD_SCALAR, KF_BAD_PEER };

// kf_new_context returns a context, blinded with a seed of 32 random bytes, or NULL.
// It never changes afterwards, so threads may share it. It lasts as long as the
// process.
const secp256k1_context *kf_new_context(const unsigned char *seed);

// kf_public writes scalar·G.
int kf_public(const secp256k1_context *context, const unsigned char *scalar, unsigned char *key);

// kf_share writes scalar·peer.
int kf_share(const secp256k1_context *context, const unsigned char *scalar, const unsigned char *peer,
             unsigned char *shared);

// kf_ephemeral does both.
int kf_ephemeral(const secp256k1_context *context, const unsigned char *scalar, const unsigned char *peer,
                 unsigned char *key, unsigned char *shared);

#endif
