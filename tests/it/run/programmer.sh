#!/bin/sh
# Stands for a line's own programmer. Boards are files; the file `seat.NEST` names the one that is
# on the fixture, or says `feeder N`: a new board comes when the one before was let go of.
#   programmer.sh NEST identify
#   programmer.sh NEST program IMAGE
#   programmer.sh NEST read DUMP ADDRESS SIZE
nest=$1 verb=$2
echo "$@" >> calls.txt
env >> environment.txt
# Somebody takes the board off before this step, and seats another one.
[ -e "swap-before-$verb" ] && mv "swap-before-$verb" "seat.$nest"
read -r seat number < "seat.$nest" 2>/dev/null || { echo "no target" >&2; exit 2; }
if [ "$seat" = feeder ]; then
    # A written board is identified once more after its read-back; then it is let go of.
    if [ "$verb" = identify ] && [ -e "boards/$nest-$number.left" ]; then
        number=$((number + 1))
        echo "feeder $number" > "seat.$nest"
    elif [ "$verb" = identify ] && [ -e "boards/$nest-$number.done" ]; then
        : > "boards/$nest-$number.left"
    fi
    seat=$nest-$number
fi
board=boards/$seat.flash
mkdir -p boards
[ -e "$board" ] || head -c 4164 /dev/zero | tr '\0' '\377' > "$board"
[ -e "slow.$nest" ] && sleep "$(cat "slow.$nest")"
# The mains fail: the line's program dies here and now.
[ -e "cut-before-$verb" ] && { rm "cut-before-$verb"; kill -KILL "$PPID"; exit 1; }
case $verb in
identify)
    echo "a banner"
    echo "UID: $(printf '%s' "$seat" | sha256sum | cut -c1-16)"
    ;;
program)
    if [ -e fail ]; then
        # A careless tool shows what it works on.
        strings -n 20 "$3" | grep -v ' ' >&2
        od -An -tx1 -j 4096 -N 40 "$3" >&2
        echo "flash is write-protected" >&2
        exit 3
    fi
    if [ -e linger ]; then
        # What it starts leaves its group, and writes whichever board is there when it may.
        cp "$3" "held.$nest"
        setsid sh -c 'touch out; while [ ! -e go ]; do sleep 0.05; done
            read -r seat _ < "seat.$0"; cp "held.$0" "boards/$seat.flash"; touch gone' "$nest" \
            < /dev/null > /dev/null 2>&1 &
        while [ ! -e out ]; do sleep 0.05; done
        case $(cat linger) in
        die) rm linger; kill -KILL "$PPID"; exit 1 ;;
        *) sleep 60 ;;
        esac
    fi
    if [ -e spin ]; then
        echo $$ > spinning
        while [ ! -e go ]; do sleep 0.05; done
    fi
    cp "$3" "$board"
    # Somebody else's program writes there too.
    [ -e instead ] && mv instead "$board"
    if [ -e fail-late ]; then
        rm fail-late
        echo "verify failed" >&2
        exit 4
    fi
    if [ -e flip ]; then
        printf '\000' | dd of="$board" bs=1 seek=200 conv=notrunc 2>/dev/null
    fi
    if [ -e tear ]; then
        rm tear
        head -c 2000 /dev/zero | tr '\0' '\377' | dd of="$board" bs=1 seek=2100 conv=notrunc 2>/dev/null
    fi
    : > "boards/$seat.done"
    [ -e swap-after-program ] && mv swap-after-program "seat.$nest"
    # The station fails before the read-back.
    [ -e locked-after-program ] && { rm locked-after-program; chmod a-x "$0"; }
    [ -e gone-after-program ] && { rm -r "$(cat gone-after-program)"; rm gone-after-program; }
    [ -e cut-after-program ] && { rm cut-after-program; kill -KILL "$PPID"; exit 1; }
    ;;
read)
    if [ -e leak ]; then
        # A careless tool shows what it reads.
        dd if="$board" bs=1 skip=4096 count=40 2>/dev/null | sh ./leak >&2
        exit 5
    fi
    dd if="$board" of="$3" bs=1 skip="$(($4))" count="$(($5))" 2>/dev/null
    ;;
esac
exit 0
