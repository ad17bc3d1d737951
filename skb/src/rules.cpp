// SPDX-License-Identifier: BSD-3-Clause
#include "rules.hpp"

// The assembler takes the bytes as they are; as a C++ array they would be megabytes of source.
asm(".pushsection .rodata\n"
    ".balign 64\n"
    "cooper_skb_rules_begin:\n"
    ".incbin \"" COOPER_RULES_STATE
    "\"\n"
    "cooper_skb_rules_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const unsigned char cooper_skb_rules_begin[];
extern const unsigned char cooper_skb_rules_end[];
}

namespace cooper::skb {

std::span<const unsigned char> rules_state() { return {cooper_skb_rules_begin, cooper_skb_rules_end}; }

}  // namespace cooper::skb
