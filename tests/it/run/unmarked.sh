#!/bin/sh
# Stands for a programmer whose boards have no number; what goes wrong is in the file `fate`.
#   unmarked.sh program IMAGE
#   unmarked.sh read DUMP ADDRESS SIZE
verb=$1
blank() { [ -e "$1" ] || head -c 4164 /dev/zero | tr '\0' '\377' > "$1"; }
board() { read -r seat < seat; echo "boards/$seat"; }
blank "$(board)"
case $verb in
program)
    fate=$(cat fate 2>/dev/null)
    rm -f fate
    case $fate in
    before)
        kill -KILL "$PPID"
        exit 1 ;;
    orphan)
        # It outlives the line's program, has read its image, and writes to what it finds.
        cp "$2" orphan.image
        setsid sh -c 'sleep 0.3; read -r seat < seat; cp orphan.image "boards/$seat"; rm orphan.image' &
        kill -KILL "$PPID"
        exit 1 ;;
    esac
    cp "$2" "$(board)"
    case $fate in
    torn)
        head -c 2000 /dev/zero | tr '\0' '\377' | dd of="$(board)" bs=1 seek=2100 conv=notrunc 2>/dev/null
        kill -KILL "$PPID"
        exit 1 ;;
    after)
        kill -KILL "$PPID"
        exit 1 ;;
    esac
    ;;
read)
    dd if="$(board)" of="$2" bs=1 skip="$(($3))" count="$(($4))" 2>/dev/null
    ;;
esac
exit 0
