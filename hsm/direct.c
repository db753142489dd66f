//go:build cgo

#define _GNU_SOURCE
#include "direct.h"

#include <dlfcn.h>
#include <string.h>

#include "../shares/locked/wipe.h"
#include "reach.h"

// RTLD_NODELETE: modules written in C++ leave handlers for the end of threads behind,
// and unmapping their code under those ends the process.
CK_RV kf_load(const char *path, void **library, CK_FUNCTION_LIST **list)
{
	*library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (*library == NULL)
		return CKR_LIBRARY_LOAD_FAILED;
	CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(*library, "C_GetFunctionList");
	CK_RV rv = get == NULL ? CKR_LIBRARY_LOAD_FAILED : get(list);
	if (rv != CKR_OK)
		kf_unload(*library);
	return rv;
}

void kf_unload(void *library) { dlclose(library); }

CK_RV kf_initialise(CK_FUNCTION_LIST *f, char *parameters)
{
	CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK, .reserved = parameters};
	return f->C_Initialize(&arguments);
}

CK_RV kf_init_token(CK_FUNCTION_LIST *f, CK_ULONG slot, CK_BYTE *pin, CK_ULONG pin_length, CK_BYTE *label)
{
	CK_RV rv = f->C_InitToken(slot, pin, pin_length, label);
	kf_wipe();
	return rv;
}

CK_RV kf_init_pin(CK_FUNCTION_LIST *f, CK_ULONG session, CK_BYTE *pin, CK_ULONG pin_length)
{
	CK_RV rv = f->C_InitPIN(session, pin, pin_length);
	kf_wipe();
	return rv;
}

CK_RV kf_login(CK_FUNCTION_LIST *f, CK_ULONG session, CK_ULONG user, CK_BYTE *pin, CK_ULONG pin_length)
{
	CK_RV rv = f->C_Login(session, user, pin, pin_length);
	kf_wipe();
	return rv;
}

// The work is done one frame further down, so that this frame holds no secret and the
// wipe covers theirs. The attribute keeps the compiler from undoing that.
#define BELOW __attribute__((noinline)) static

// after ends a call that came out as rv: it wipes *stack bytes of the stack that the call
// had, or measures how many it reached into and then wipes everything. Behind a call that
// failed everything is wiped: what it did is not what was measured. Its caller's frame is
// where the call was made.
static inline __attribute__((always_inline)) void after(CK_RV rv, CK_ULONG *stack)
{
	if (*stack == 0) {
		kf_clear_registers();
		*stack = kf_reached();
		kf_wipe();
	} else {
		kf_wipe_stack(rv == CKR_OK ? *stack : KF_WIPED_STACK);
	}
}

// A token that makes its own nonce may write up to a block of it.
BELOW CK_RV seal(CK_FUNCTION_LIST *f, CK_ULONG session, CK_ULONG key, CK_BYTE *iv, CK_BYTE *aad, CK_ULONG aad_length,
                 CK_BYTE *in, CK_ULONG in_length, CK_BYTE *out, CK_ULONG *out_length)
{
	CK_BYTE used[16] = {0};
	memcpy(used, iv, KF_IV);
	CK_GCM_PARAMS gcm = {used, KF_IV, KF_IV * 8, aad, aad_length, KF_TAG * 8};
	CK_MECHANISM mechanism = {CKM_AES_GCM, &gcm, sizeof gcm};
	CK_RV rv = f->C_EncryptInit(session, &mechanism, key);
	if (rv == CKR_OK)
		rv = f->C_Encrypt(session, in, in_length, out, out_length);
	if (rv == CKR_OK && (gcm.iv != used || gcm.iv_length != KF_IV))
		rv = CKR_MECHANISM_PARAM_INVALID;
	memcpy(iv, used, KF_IV);
	return rv;
}

CK_RV kf_seal(CK_FUNCTION_LIST *f, CK_ULONG session, CK_ULONG key, CK_BYTE *iv, CK_BYTE *aad, CK_ULONG aad_length,
              CK_BYTE *in, CK_ULONG in_length, CK_BYTE *out, CK_ULONG *out_length, CK_ULONG *stack)
{
	if (*stack == 0)
		kf_paint();
	CK_RV rv = seal(f, session, key, iv, aad, aad_length, in, in_length, out, out_length);
	after(rv, stack);
	return rv;
}

BELOW CK_RV open_sealed(CK_FUNCTION_LIST *f, CK_ULONG session, CK_ULONG key, CK_BYTE *iv, CK_BYTE *aad,
                        CK_ULONG aad_length, CK_BYTE *in, CK_ULONG in_length, CK_BYTE *out, CK_ULONG *out_length)
{
	CK_GCM_PARAMS gcm = {iv, KF_IV, KF_IV * 8, aad, aad_length, KF_TAG * 8};
	CK_MECHANISM mechanism = {CKM_AES_GCM, &gcm, sizeof gcm};
	CK_RV rv = f->C_DecryptInit(session, &mechanism, key);
	if (rv == CKR_OK)
		rv = f->C_Decrypt(session, in, in_length, out, out_length);
	return rv;
}

CK_RV kf_open(CK_FUNCTION_LIST *f, CK_ULONG session, CK_ULONG key, CK_BYTE *iv, CK_BYTE *aad, CK_ULONG aad_length,
              CK_BYTE *in, CK_ULONG in_length, CK_BYTE *out, CK_ULONG *out_length, CK_ULONG *stack)
{
	if (*stack == 0)
		kf_paint();
	CK_RV rv = open_sealed(f, session, key, iv, aad, aad_length, in, in_length, out, out_length);
	after(rv, stack);
	return rv;
}

// derive_x makes x a secret that cannot be read and that ends with the session at the
// latest.
BELOW CK_RV derive_x(CK_FUNCTION_LIST *f, CK_ULONG session, CK_ULONG key, CK_BYTE *peer, CK_ULONG *x)
{
	CK_ULONG class = CKO_SECRET_KEY, type = CKK_GENERIC_SECRET, length = 32;
	CK_BYTE yes = 1, no = 0;
	CK_ATTRIBUTE attributes[] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_TOKEN, &no, sizeof no},       {CKA_PRIVATE, &yes, sizeof yes},
		{CKA_SENSITIVE, &yes, sizeof yes}, {CKA_EXTRACTABLE, &no, sizeof no},
		{CKA_VALUE_LEN, &length, sizeof length},
	};
	CK_ECDH1_DERIVE_PARAMS ecdh = {CKD_NULL, 0, NULL, KF_POINT, peer};
	CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &ecdh, sizeof ecdh};
	return f->C_DeriveKey(session, &mechanism, key, attributes, sizeof attributes / sizeof *attributes, x);
}

BELOW CK_RV hash_with_x(CK_FUNCTION_LIST *f, CK_ULONG session, CK_ULONG x, CK_BYTE *prefix, CK_ULONG length, CK_BYTE *out)
{
	CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};
	CK_ULONG out_length = KF_DIGEST;
	CK_RV rv = f->C_DigestInit(session, &sha256);
	if (rv == CKR_OK)
		rv = f->C_DigestUpdate(session, prefix, length);
	if (rv == CKR_OK)
		rv = f->C_DigestKey(session, x);
	if (rv == CKR_OK)
		rv = f->C_DigestFinal(session, out, &out_length);
	return rv;
}

BELOW CK_RV hash_shared_x(CK_FUNCTION_LIST *f, CK_ULONG session, CK_ULONG key, CK_BYTE *peer, CK_BYTE *first,
                          CK_ULONG first_length, CK_BYTE *second, CK_ULONG second_length, CK_BYTE *out)
{
	CK_ULONG x;
	CK_RV rv = derive_x(f, session, key, peer, &x);
	if (rv != CKR_OK)
		return rv;
	rv = hash_with_x(f, session, x, first, first_length, out);
	if (rv == CKR_OK)
		rv = hash_with_x(f, session, x, second, second_length, out + KF_DIGEST);
	CK_RV destroyed = f->C_DestroyObject(session, x);
	return rv == CKR_OK ? destroyed : rv;
}

CK_RV kf_hash_shared_x(CK_FUNCTION_LIST *f, CK_ULONG session, CK_ULONG key, CK_BYTE *peer, CK_BYTE *first,
                       CK_ULONG first_length, CK_BYTE *second, CK_ULONG second_length, CK_BYTE *out)
{
	CK_RV rv = hash_shared_x(f, session, key, peer, first, first_length, second, second_length, out);
	kf_wipe();
	return rv;
}
