# Marks for the recordings of Postern: where a prompt begins and ends, what ran, and how it ended
# (OSC 133), and where (OSC 7). For fish 3; fish 4 sends them by itself. To be sourced at the end of
# config.fish. It says nothing to scripts and to terminals without escape sequences, and may be
# sourced again.

if status is-interactive; and not contains -- "$TERM" '' dumb unknown; and string match -qr '^3\.' -- $version
    function __postern_prompt --on-event fish_prompt
        printf '\e]7;file://%s%s\a' $hostname (string escape --style=url -- $PWD)
        # A prompt that was made anew meanwhile stands in the marks too.
        if functions -q fish_prompt; and not functions fish_prompt | string match -q '*__postern_text*'
            functions -e __postern_user_prompt
            functions -c fish_prompt __postern_user_prompt
            function fish_prompt
                # First, so that it finds $status and $pipestatus.
                set -l __postern_text (__postern_user_prompt | string collect -N)
                printf '\e]133;A\a%s\e]133;B\a' $__postern_text
            end
        end
    end

    # The line itself stands in the mark, as fish 4 has it, unless it is very long.
    function __postern_preexec --on-event fish_preexec
        if test (string length -- "$argv[1]") -gt 4096
            printf '\e]133;C\a'
        else
            printf '\e]133;C;cmdline_url=%s\a' (string escape --style=url -- "$argv[1]")
        end
    end

    function __postern_postexec --on-event fish_postexec
        printf '\e]133;D;%s\a' $status
    end
end
