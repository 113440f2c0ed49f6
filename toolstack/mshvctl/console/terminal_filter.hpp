// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace mshv::ctl {

/// Takes out of a guest's output what reaches beyond the picture on the terminal: its title, the
/// clipboard, notifications, files, strings for a multiplexer, window operations and the report of
/// the title. Colours, cursor and hyperlinks pass. Works across any cut of the input and holds back
/// a few bytes at most.
class TerminalFilter {
public:
    std::string filter(std::string_view bytes);

private:
    enum class Inside {
        text,
        lead,          ///< after C2, which with the next byte may be a C1 control in UTF-8
        escape,        ///< after ESC
        csi,           ///< held back until it is known which one it is
        osc_number,    ///< as well
        passed_string, ///< an OSC that passes
        dropped_string,
    };
    void byte(char c, std::string& out);
    void begin(char kind, std::string& out);
    void inside_text(char c, std::string& out);
    void inside_csi(char c, std::string& out);
    void inside_osc_number(char c, std::string& out);
    void inside_string(char c, std::string& out);
    void release(std::string& out);

    Inside inside_ = Inside::text;
    std::string held_;
    char before_ = '\0'; ///< the byte before, inside a string
};

} // namespace mshv::ctl
