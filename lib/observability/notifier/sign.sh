# shellcheck shell=sh
# HMAC-SHA256 (RFC 2104) where there is no openssl. The key is in pipes and in this shell's memory: in no argument, and in no further file.

# The bytes of 64, each as an escape of printf %b, XOR a number. The key's bytes are on stdin, as od writes them.
sign_pad() { # NUMBER
  awk -v pad="$1" '
    function differing(a, b, bit, sum) {
      for (bit = 1; bit < 256; bit *= 2) if (int(a / bit) % 2 != int(b / bit) % 2) sum += bit
      return sum + 0
    }
    { for (i = 1; i <= NF; i++) key[count++] = $i }
    END { for (i = 0; i < 64; i++) printf "\\0%03o", differing(i < count ? key[i] : 0, pad) }'
}

# Hexadecimal digits as escapes of printf %b.
sign_bytes() { awk '{ digits = "0123456789abcdef"; for (i = 1; i <= 64; i += 2) printf "\\0%03o", 16 * (index(digits, substr($1, i, 1)) - 1) + index(digits, substr($1, i + 1, 1)) - 1 }'; }

sign() { # COMMAND... that prints the key, with what is to be signed on stdin; prints 64 hexadecimal digits
  sign_key=$("$@" </dev/null | od -An -v -tu1)
  if [ "$(printf '%s\n' "$sign_key" | wc -w)" -gt 64 ]; then
    sign_key=$(printf %b "$("$@" </dev/null | sha256sum | sign_bytes)" | od -An -v -tu1)
  fi
  sign_inner=$(printf '%s\n' "$sign_key" | sign_pad 54)
  sign_outer=$(printf '%s\n' "$sign_key" | sign_pad 92)
  sign_inner=$({ printf %b "$sign_inner"; cat; } | sha256sum | sign_bytes)
  { printf %b "$sign_outer"; printf %b "$sign_inner"; } | sha256sum | cut -d ' ' -f 1
}
