// PKCS#11 v2.40 as far as a forwarding module needs it: every function's parameters in
// the order of the function list (base specification §3.6, §5). Structures that are
// only passed on are pointers to void.
//
// EACH(F) expands F(function, parameters, arguments, owner, out, out_length) for every
// function. owner finds the token that a call is for: SESSION(s), SLOT(s) or NOBODY. out
// and out_length are where the answer goes if it is a string of bytes, else NULL.

#ifndef FAULTP11_CRYPTOKI_H
#define FAULTP11_CRYPTOKI_H

#include <stddef.h>

typedef unsigned char B;  // CK_BYTE, CK_BBOOL, CK_UTF8CHAR
typedef unsigned long U;  // CK_ULONG, handles, flags, return values

#define CKR_OK 0x000UL
#define CKR_GENERAL_ERROR 0x005UL

#define EACH(F) \
	F(C_Initialize, (void *args), (args), NOBODY, NULL, NULL) \
	F(C_Finalize, (void *reserved), (reserved), NOBODY, NULL, NULL) \
	F(C_GetInfo, (void *info), (info), NOBODY, NULL, NULL) \
	F(C_GetFunctionList, (void **list), (list), NOBODY, NULL, NULL) \
	F(C_GetSlotList, (B present, U *list, U *count), (present, list, count), NOBODY, NULL, NULL) \
	F(C_GetSlotInfo, (U slot, void *info), (slot, info), SLOT(slot), NULL, NULL) \
	F(C_GetTokenInfo, (U slot, void *info), (slot, info), SLOT(slot), NULL, NULL) \
	F(C_GetMechanismList, (U slot, U *list, U *count), (slot, list, count), SLOT(slot), NULL, NULL) \
	F(C_GetMechanismInfo, (U slot, U type, void *info), (slot, type, info), SLOT(slot), NULL, NULL) \
	F(C_InitToken, (U slot, B *pin, U length, B *label), (slot, pin, length, label), SLOT(slot), NULL, NULL) \
	F(C_InitPIN, (U s, B *pin, U length), (s, pin, length), SESSION(s), NULL, NULL) \
	F(C_SetPIN, (U s, B *old, U o, B *pin, U n), (s, old, o, pin, n), SESSION(s), NULL, NULL) \
	F(C_OpenSession, (U slot, U flags, void *app, void *notify, U *s), (slot, flags, app, notify, s), SLOT(slot), NULL, NULL) \
	F(C_CloseSession, (U s), (s), SESSION(s), NULL, NULL) \
	F(C_CloseAllSessions, (U slot), (slot), SLOT(slot), NULL, NULL) \
	F(C_GetSessionInfo, (U s, void *info), (s, info), SESSION(s), NULL, NULL) \
	F(C_GetOperationState, (U s, B *out, U *n), (s, out, n), SESSION(s), out, n) \
	F(C_SetOperationState, (U s, B *in, U i, U key, U auth), (s, in, i, key, auth), SESSION(s), NULL, NULL) \
	F(C_Login, (U s, U user, B *pin, U length), (s, user, pin, length), SESSION(s), NULL, NULL) \
	F(C_Logout, (U s), (s), SESSION(s), NULL, NULL) \
	F(C_CreateObject, (U s, void *t, U c, U *object), (s, t, c, object), SESSION(s), NULL, NULL) \
	F(C_CopyObject, (U s, U from, void *t, U c, U *object), (s, from, t, c, object), SESSION(s), NULL, NULL) \
	F(C_DestroyObject, (U s, U object), (s, object), SESSION(s), NULL, NULL) \
	F(C_GetObjectSize, (U s, U object, U *size), (s, object, size), SESSION(s), NULL, NULL) \
	F(C_GetAttributeValue, (U s, U object, void *t, U c), (s, object, t, c), SESSION(s), NULL, NULL) \
	F(C_SetAttributeValue, (U s, U object, void *t, U c), (s, object, t, c), SESSION(s), NULL, NULL) \
	F(C_FindObjectsInit, (U s, void *t, U c), (s, t, c), SESSION(s), NULL, NULL) \
	F(C_FindObjects, (U s, U *list, U most, U *count), (s, list, most, count), SESSION(s), NULL, NULL) \
	F(C_FindObjectsFinal, (U s), (s), SESSION(s), NULL, NULL) \
	F(C_EncryptInit, (U s, void *m, U key), (s, m, key), SESSION(s), NULL, NULL) \
	F(C_Encrypt, (U s, B *in, U i, B *out, U *n), (s, in, i, out, n), SESSION(s), out, n) \
	F(C_EncryptUpdate, (U s, B *in, U i, B *out, U *n), (s, in, i, out, n), SESSION(s), out, n) \
	F(C_EncryptFinal, (U s, B *out, U *n), (s, out, n), SESSION(s), out, n) \
	F(C_DecryptInit, (U s, void *m, U key), (s, m, key), SESSION(s), NULL, NULL) \
	F(C_Decrypt, (U s, B *in, U i, B *out, U *n), (s, in, i, out, n), SESSION(s), out, n) \
	F(C_DecryptUpdate, (U s, B *in, U i, B *out, U *n), (s, in, i, out, n), SESSION(s), out, n) \
	F(C_DecryptFinal, (U s, B *out, U *n), (s, out, n), SESSION(s), out, n) \
	F(C_DigestInit, (U s, void *m), (s, m), SESSION(s), NULL, NULL) \
	F(C_Digest, (U s, B *in, U i, B *out, U *n), (s, in, i, out, n), SESSION(s), out, n) \
	F(C_DigestUpdate, (U s, B *in, U i), (s, in, i), SESSION(s), NULL, NULL) \
	F(C_DigestKey, (U s, U key), (s, key), SESSION(s), NULL, NULL) \
	F(C_DigestFinal, (U s, B *out, U *n), (s, out, n), SESSION(s), out, n) \
	F(C_SignInit, (U s, void *m, U key), (s, m, key), SESSION(s), NULL, NULL) \
	F(C_Sign, (U s, B *in, U i, B *out, U *n), (s, in, i, out, n), SESSION(s), out, n) \
	F(C_SignUpdate, (U s, B *in, U i), (s, in, i), SESSION(s), NULL, NULL) \
	F(C_SignFinal, (U s, B *out, U *n), (s, out, n), SESSION(s), out, n) \
	F(C_SignRecoverInit, (U s, void *m, U key), (s, m, key), SESSION(s), NULL, NULL) \
	F(C_SignRecover, (U s, B *in, U i, B *out, U *n), (s, in, i, out, n), SESSION(s), out, n) \
	F(C_VerifyInit, (U s, void *m, U key), (s, m, key), SESSION(s), NULL, NULL) \
	F(C_Verify, (U s, B *in, U i, B *sig, U g), (s, in, i, sig, g), SESSION(s), NULL, NULL) \
	F(C_VerifyUpdate, (U s, B *in, U i), (s, in, i), SESSION(s), NULL, NULL) \
	F(C_VerifyFinal, (U s, B *sig, U g), (s, sig, g), SESSION(s), NULL, NULL) \
	F(C_VerifyRecoverInit, (U s, void *m, U key), (s, m, key), SESSION(s), NULL, NULL) \
	F(C_VerifyRecover, (U s, B *sig, U g, B *out, U *n), (s, sig, g, out, n), SESSION(s), out, n) \
	F(C_DigestEncryptUpdate, (U s, B *in, U i, B *out, U *n), (s, in, i, out, n), SESSION(s), out, n) \
	F(C_DecryptDigestUpdate, (U s, B *in, U i, B *out, U *n), (s, in, i, out, n), SESSION(s), out, n) \
	F(C_SignEncryptUpdate, (U s, B *in, U i, B *out, U *n), (s, in, i, out, n), SESSION(s), out, n) \
	F(C_DecryptVerifyUpdate, (U s, B *in, U i, B *out, U *n), (s, in, i, out, n), SESSION(s), out, n) \
	F(C_GenerateKey, (U s, void *m, void *t, U c, U *key), (s, m, t, c, key), SESSION(s), NULL, NULL) \
	F(C_GenerateKeyPair, (U s, void *m, void *pt, U pc, void *t, U c, U *pub, U *key), (s, m, pt, pc, t, c, pub, key), SESSION(s), NULL, NULL) \
	F(C_WrapKey, (U s, void *m, U by, U key, B *out, U *n), (s, m, by, key, out, n), SESSION(s), out, n) \
	F(C_UnwrapKey, (U s, void *m, U by, B *in, U i, void *t, U c, U *key), (s, m, by, in, i, t, c, key), SESSION(s), NULL, NULL) \
	F(C_DeriveKey, (U s, void *m, U base, void *t, U c, U *key), (s, m, base, t, c, key), SESSION(s), NULL, NULL) \
	F(C_SeedRandom, (U s, B *seed, U n), (s, seed, n), SESSION(s), NULL, NULL) \
	F(C_GenerateRandom, (U s, B *out, U n), (s, out, n), SESSION(s), out, &n) \
	F(C_GetFunctionStatus, (U s), (s), SESSION(s), NULL, NULL) \
	F(C_CancelFunction, (U s), (s), SESSION(s), NULL, NULL) \
	F(C_WaitForSlotEvent, (U flags, U *slot, void *reserved), (flags, slot, reserved), NOBODY, NULL, NULL)

typedef struct {
	B version[2];
#define MEMBER(name, parameters, arguments, owner, out, n) U (*name) parameters;
	EACH(MEMBER)
#undef MEMBER
} FUNCTION_LIST;

enum {
#define NUMBER(name, parameters, arguments, owner, out, n) N_##name,
	EACH(NUMBER)
#undef NUMBER
	FUNCTIONS
};

#endif
