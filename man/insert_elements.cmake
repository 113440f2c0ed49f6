# SPDX-License-Identifier: Apache-2.0
# Puts the generated table of elements (ELEMENTS) in place of the line @ELEMENTS@ of TEMPLATE.
cmake_minimum_required(VERSION 3.25) # @WORD@ in a string is text
file(READ ${TEMPLATE} page)
file(READ ${ELEMENTS} elements)
string(FIND "${page}" "\n@ELEMENTS@\n" at)
if(at EQUAL -1)
    message(FATAL_ERROR "${TEMPLATE}: no line @ELEMENTS@")
endif()
string(REPLACE "\n@ELEMENTS@\n" "\n${elements}\n" page "${page}")
file(WRITE ${OUTPUT} "${page}")
