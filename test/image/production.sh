# Runs inside the production image.

version=$(keyferry version)
check 'version works' contains 'keyferry ' "$version"
check 'it is built with cgo, for PKCS#11' contains 'cgo: 1' "$version"
check 'its runtime erases what secrets leave' contains "erases secrets' temporaries: true" "$version"
unprivileged
check 'there is no SoftHSM' equal '' "$(find / -iname '*softhsm*' ! -path '/proc/*' 2>/dev/null)"
check 'dev is refused for it' refuses 'SoftHSM is not installed' keyferry dev --dir $state/dev
check 'it knows the public certificate authorities' grep -q 'BEGIN CERTIFICATE' /etc/ssl/certs/ca-certificates.crt
check 'there is no compiler' equal '' "$(command -v go gcc cc || true)"
check 'serve without a configuration names it' refuses /etc/keyferry/keyferry.yaml keyferry serve --config /etc/keyferry/keyferry.yaml
