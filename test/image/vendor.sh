# Runs inside the production image with SoftHSM in /opt/pkcs11, as an operator would
# mount another module and the libraries that it needs.

unprivileged
export KEYFERRY_PKCS11_MODULE=/opt/pkcs11/libsofthsm2.so LD_LIBRARY_PATH=/opt/pkcs11
check 'the program works with the module that it is given' keyferry demo
