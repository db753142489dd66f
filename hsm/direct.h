//go:build cgo

// The PKCS#11 calls that carry secrets. Every function here except kf_load, kf_unload and
// kf_initialise wipes the vector registers and the stack below it before it returns,
// whatever the result.

#ifndef KEYFERRY_DIRECT_H
#define KEYFERRY_DIRECT_H

#include "cryptoki.h"

enum { KF_IV = 12, KF_TAG = 16, KF_POINT = 65, KF_DIGEST = 32, KF_LABEL = 32 };

// kf_load opens the library at path and takes its function list. Opening a library
// that is loaded already gives that same library.
CK_RV kf_load(const char *path, void **library, CK_FUNCTION_LIST **list);
void kf_unload(void *library);

// kf_initialise is C_Initialize with the parameters that some libraries take by way of the
// reserved pointer. They keep nothing of it.
CK_RV kf_initialise(CK_FUNCTION_LIST *f, char *parameters);

CK_RV kf_init_token(CK_FUNCTION_LIST *f, CK_ULONG slot, CK_BYTE *pin, CK_ULONG pin_length, CK_BYTE *label);
CK_RV kf_init_pin(CK_FUNCTION_LIST *f, CK_ULONG session, CK_BYTE *pin, CK_ULONG pin_length);
CK_RV kf_login(CK_FUNCTION_LIST *f, CK_ULONG session, CK_ULONG user, CK_BYTE *pin, CK_ULONG pin_length);

// kf_seal and kf_open are AES-GCM with a tag of KF_TAG bytes. kf_seal leaves in iv the
// nonce that the token really used. *stack is how much of it is wiped if all is well, at
// least one byte; or 0 to have all of it wiped and to learn how much the call reached into.
CK_RV kf_seal(CK_FUNCTION_LIST *f, CK_ULONG session, CK_ULONG key, CK_BYTE *iv, CK_BYTE *aad, CK_ULONG aad_length,
              CK_BYTE *in, CK_ULONG in_length, CK_BYTE *out, CK_ULONG *out_length, CK_ULONG *stack);
CK_RV kf_open(CK_FUNCTION_LIST *f, CK_ULONG session, CK_ULONG key, CK_BYTE *iv, CK_BYTE *aad, CK_ULONG aad_length,
              CK_BYTE *in, CK_ULONG in_length, CK_BYTE *out, CK_ULONG *out_length, CK_ULONG *stack);

// kf_hash_shared_x writes SHA-256(first || x) and SHA-256(second || x) to out, x being
// the ECDH of key and peer, which exists only as an object of the session and is
// destroyed before the call returns.
CK_RV kf_hash_shared_x(CK_FUNCTION_LIST *f, CK_ULONG session, CK_ULONG key, CK_BYTE *peer,
                       CK_BYTE *first, CK_ULONG first_length, CK_BYTE *second, CK_ULONG second_length, CK_BYTE *out);

#endif
