//go:build cgo

#include "agreement.h"

#include <secp256k1_ecdh.h>
#include <string.h>

#include "../locked/wipe.h"

enum { COMPRESSED = 33, COORDINATE = 32 };

// The work is done one frame further down, so that the exported functions' frames hold
// no secret and the wipe covers what the work left. The attribute keeps the compiler
// from undoing that.
#define BELOW __attribute__((noinline)) static

// The blinding changes how a scalar is worked on, never the result.
BELOW secp256k1_context *new_context(const unsigned char *seed)
{
	secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	if (context != NULL && !secp256k1_context_randomize(context, seed)) {
		secp256k1_context_destroy(context);
		return NULL;
	}
	return context;
}

const secp256k1_context *kf_new_context(const unsigned char *seed)
{
	secp256k1_context *context = new_context(seed);
	kf_wipe();
	return context;
}

// The library hands the shared point to a hash function; this one keeps it as it is.
static int compress(unsigned char *out, const unsigned char *x, const unsigned char *y, void *unused)
{
	(void)unused;
	out[0] = 0x02 | (y[COORDINATE - 1] & 1);
	memcpy(out + 1, x, COORDINATE);
	return 1;
}

BELOW int multiply_generator(const secp256k1_context *context, const unsigned char *scalar, unsigned char *key)
{
	secp256k1_pubkey point;
	size_t length = COMPRESSED;
	if (!secp256k1_ec_pubkey_create(context, &point, scalar))
		return KF_BAD_SCALAR;
	secp256k1_ec_pubkey_serialize(context, key, &length, &point, SECP256K1_EC_COMPRESSED);
	return KF_AGREED;
}

BELOW int multiply(const secp256k1_context *context, const unsigned char *scalar, const unsigned char *peer,
                   unsigned char *shared)
{
	secp256k1_pubkey point;
	if (!secp256k1_ec_pubkey_parse(context, &point, peer, COMPRESSED))
		return KF_BAD_PEER;
	return secp256k1_ecdh(context, shared, &point, scalar, compress, NULL) ? KF_AGREED : KF_BAD_SCALAR;
}

int kf_public(const secp256k1_context *context, const unsigned char *scalar, unsigned char *key)
{
	int result = multiply_generator(context, scalar, key);
	kf_wipe();
	return result;
}

int kf_share(const secp256k1_context *context, const unsigned char *scalar, const unsigned char *peer,
             unsigned char *shared)
{
	int result = multiply(context, scalar, peer, shared);
	kf_wipe();
	return result;
}

int kf_ephemeral(const secp256k1_context *context, const unsigned char *scalar, const unsigned char *peer,
                 unsigned char *key, unsigned char *shared)
{
	int result = multiply(context, scalar, peer, shared);
	if (result == KF_AGREED)
		result = multiply_generator(context, scalar, key);
	kf_wipe();
	return result;
}
