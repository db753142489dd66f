//go:build cgo

// The part of PKCS#11 v2.40 that direct.c needs, in words of our own, so that a C
// compiler is all it takes to build. Structures have the platform's natural
// alignment, as on every Unix.

#ifndef KEYFERRY_CRYPTOKI_H
#define KEYFERRY_CRYPTOKI_H

typedef unsigned char CK_BYTE;
typedef unsigned long CK_ULONG;
typedef CK_ULONG CK_RV;

enum {
	CKR_OK = 0x000,
	CKR_MECHANISM_PARAM_INVALID = 0x071,
	CKR_LIBRARY_LOAD_FAILED = 0x1B7,

	CKF_OS_LOCKING_OK = 2,

	CKU_SO = 0,
	CKU_USER = 1,

	CKM_SHA256 = 0x0250,
	CKM_ECDH1_DERIVE = 0x1050,
	CKM_AES_GCM = 0x1087,
	CKD_NULL = 1,

	CKO_SECRET_KEY = 4,
	CKK_GENERIC_SECRET = 0x10,

	CKA_CLASS = 0x000,
	CKA_TOKEN = 0x001,
	CKA_PRIVATE = 0x002,
	CKA_KEY_TYPE = 0x100,
	CKA_SENSITIVE = 0x103,
	CKA_VALUE_LEN = 0x161,
	CKA_EXTRACTABLE = 0x162,
};

// base specification §3.3
typedef struct { CK_ULONG type; void *value; CK_ULONG length; } CK_ATTRIBUTE;
typedef struct { CK_ULONG mechanism; void *parameter; CK_ULONG length; } CK_MECHANISM;

// current mechanisms §2.3.16
typedef struct {
	CK_ULONG kdf;
	CK_ULONG shared_data_length;
	CK_BYTE *shared_data;
	CK_ULONG public_data_length;
	CK_BYTE *public_data;
} CK_ECDH1_DERIVE_PARAMS;

// current mechanisms §2.11.3. The member iv_bits stands in the official header and in
// every module, though not in the text.
typedef struct {
	CK_BYTE *iv;
	CK_ULONG iv_length;
	CK_ULONG iv_bits;
	CK_BYTE *aad;
	CK_ULONG aad_length;
	CK_ULONG tag_bits;
} CK_GCM_PARAMS;

// base specification §5.4. The last member is beyond the standard's end: NSS, which takes
// its parameters where the standard has the reserved pointer, has that pointer behind it.
typedef struct {
	void *create_mutex, *destroy_mutex, *lock_mutex, *unlock_mutex;
	CK_ULONG flags;
	void *reserved;
	void *beyond;
} CK_C_INITIALIZE_ARGS;

// Members that direct.c does not call stand here for their place alone.
typedef CK_RV (*CK_UNUSED)(void);

// base specification §3.6: the order is the interface. The list goes on after
// C_DeriveKey; the library owns it, so its end need not be declared.
typedef struct {
	CK_BYTE version[2];
	CK_RV (*C_Initialize)(void *arguments);
	CK_UNUSED C_Finalize, C_GetInfo, C_GetFunctionList;
	CK_UNUSED C_GetSlotList, C_GetSlotInfo, C_GetTokenInfo;
	CK_UNUSED C_GetMechanismList, C_GetMechanismInfo;
	CK_RV (*C_InitToken)(CK_ULONG slot, CK_BYTE *pin, CK_ULONG pin_length, CK_BYTE *label);
	CK_RV (*C_InitPIN)(CK_ULONG session, CK_BYTE *pin, CK_ULONG pin_length);
	CK_UNUSED C_SetPIN;
	CK_UNUSED C_OpenSession, C_CloseSession, C_CloseAllSessions;
	CK_UNUSED C_GetSessionInfo, C_GetOperationState, C_SetOperationState;
	CK_RV (*C_Login)(CK_ULONG session, CK_ULONG user, CK_BYTE *pin, CK_ULONG pin_length);
	CK_UNUSED C_Logout;
	CK_UNUSED C_CreateObject, C_CopyObject;
	CK_RV (*C_DestroyObject)(CK_ULONG session, CK_ULONG object);
	CK_UNUSED C_GetObjectSize, C_GetAttributeValue, C_SetAttributeValue;
	CK_UNUSED C_FindObjectsInit, C_FindObjects, C_FindObjectsFinal;
	CK_RV (*C_EncryptInit)(CK_ULONG session, CK_MECHANISM *mechanism, CK_ULONG key);
	CK_RV (*C_Encrypt)(CK_ULONG session, CK_BYTE *in, CK_ULONG in_length, CK_BYTE *out, CK_ULONG *out_length);
	CK_UNUSED C_EncryptUpdate, C_EncryptFinal;
	CK_RV (*C_DecryptInit)(CK_ULONG session, CK_MECHANISM *mechanism, CK_ULONG key);
	CK_RV (*C_Decrypt)(CK_ULONG session, CK_BYTE *in, CK_ULONG in_length, CK_BYTE *out, CK_ULONG *out_length);
	CK_UNUSED C_DecryptUpdate, C_DecryptFinal;
	CK_RV (*C_DigestInit)(CK_ULONG session, CK_MECHANISM *mechanism);
	CK_UNUSED C_Digest;
	CK_RV (*C_DigestUpdate)(CK_ULONG session, CK_BYTE *part, CK_ULONG part_length);
	CK_RV (*C_DigestKey)(CK_ULONG session, CK_ULONG key);
	CK_RV (*C_DigestFinal)(CK_ULONG session, CK_BYTE *digest, CK_ULONG *digest_length);
	CK_UNUSED C_SignInit, C_Sign, C_SignUpdate, C_SignFinal, C_SignRecoverInit, C_SignRecover;
	CK_UNUSED C_VerifyInit, C_Verify, C_VerifyUpdate, C_VerifyFinal, C_VerifyRecoverInit, C_VerifyRecover;
	CK_UNUSED C_DigestEncryptUpdate, C_DecryptDigestUpdate, C_SignEncryptUpdate, C_DecryptVerifyUpdate;
	CK_UNUSED C_GenerateKey, C_GenerateKeyPair, C_WrapKey, C_UnwrapKey;
	CK_RV (*C_DeriveKey)(CK_ULONG session, CK_MECHANISM *mechanism, CK_ULONG base,
	                     CK_ATTRIBUTE *attributes, CK_ULONG count, CK_ULONG *key);
} CK_FUNCTION_LIST;

typedef CK_RV (*CK_C_GetFunctionList)(CK_FUNCTION_LIST **list);

#endif
