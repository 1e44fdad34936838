"""The filter's programs, run by an interpreter of classic BPF: for processors that this machine has not, too."""

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.seccomp import ARCHITECTURES, Action, Unsupported, program

PID = 4711
PTHREAD = 0x3D0F00
CONDITIONAL = {
    # What each of these calls may do, and what it may not.
    "mmap": ([(0, 4096, 3), (0, 4096, 0)], [(0, 4096, 4), (0, 4096, 7)], Action.KILL),
    "mprotect": ([(0, 4096, 3)], [(0, 4096, 5)], Action.KILL),
    "tgkill": ([(PID, 1, 6)], [(1, 1, 6), (PID + 1, PID + 1, 9)], Action.KILL),
    "clone": ([(PTHREAD,)], [(17,), (PTHREAD | 0x10000000,), (0x10000,)], Action.ERROR | errno.EPERM),
    "prctl": ([(15,)], [(4, 1), (22, 0), (38,)], Action.ERROR | errno.EPERM),
}
MACHINES = sorted(ARCHITECTURES)


def answer(code: bytes, audit: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """What the kernel answers to a system call: this is `seccomp_run_filters` for the four instructions in use."""
    data = struct.pack("<IIQ6Q", number, audit, 0, *arguments, *[0] * (6 - len(arguments)))
    steps = list(struct.iter_unpack("HBBI", code))
    value, at = 0, 0
    while True:
        kind, if_true, if_false, operand = steps[at]
        at += 1
        match kind:
            case 0x20:
                (value,) = struct.unpack_from("<I", data, operand)
            case 0x15:
                at += if_true if value == operand else if_false
            case 0x45:
                at += if_true if value & operand else if_false
            case 0x06:
                return operand
            case _:
                raise AssertionError(kind)


@pytest.mark.parametrize("machine", MACHINES)
def test_each_call_on_a_list_is_allowed_or_refused_and_any_other_ends_the_process(machine):
    found = ARCHITECTURES[machine]
    code = program(machine, PID)
    allowed, refused = set(found.allowed.values()), set(found.refused.values())
    assert not allowed & refused
    for number in range(1024):
        want = {Action.KILL}
        if number in allowed:
            want = {Action.ALLOW, Action.ERROR | errno.EPERM, Action.KILL}
        if number in refused:
            want = {Action.ERROR | errno.EPERM, Action.ERROR | errno.ENOSYS}
        assert answer(code, found.audit, number) in want, number
    for name in found.allowed.keys() - CONDITIONAL.keys():
        assert answer(code, found.audit, found.allowed[name]) == Action.ALLOW, name


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", CONDITIONAL)
def test_some_calls_are_allowed_for_some_arguments(machine, name):
    found = ARCHITECTURES[machine]
    code, number = program(machine, PID), found.allowed[name]
    good, bad, refusal = CONDITIONAL[name]
    assert [answer(code, found.audit, number, arguments) for arguments in good] == [Action.ALLOW] * len(good)
    assert [answer(code, found.audit, number, arguments) for arguments in bad] == [refusal] * len(bad)


@pytest.mark.parametrize("machine", MACHINES)
def test_libc_gets_the_answer_that_makes_it_use_clone(machine):
    found = ARCHITECTURES[machine]
    assert answer(program(machine, PID), found.audit, found.refused["clone3"]) == Action.ERROR | errno.ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
@given(audit=st.integers(0, 2**32 - 1), number=st.integers(0, 2**32 - 1))
def test_calls_of_another_architecture_end_the_process(machine, audit, number):
    found = ARCHITECTURES[machine]
    if audit != found.audit:
        assert answer(program(machine, PID), audit, number) == Action.KILL


@given(number=st.integers(0x4000_0000, 0x4000_0400))
def test_calls_of_the_x32_interface_end_the_process(number):
    """They have the same architecture as those of x86_64."""
    assert answer(program("x86_64", PID), ARCHITECTURES["x86_64"].audit, number) == Action.KILL


def test_both_architectures_have_the_same_calls():
    """Except for those that only x86_64 has, as later ones took their place."""
    old = {"open", "stat", "lstat", "access", "readlink", "time"}
    names = [found.allowed.keys() | found.refused.keys() for found in ARCHITECTURES.values()]
    assert names[0] ^ names[1] == old


def test_a_trial_traps_what_would_end_the_process():
    found = ARCHITECTURES["x86_64"]
    code = program("x86_64", PID, Action.TRAP)
    assert answer(code, found.audit, 41) == Action.TRAP
    assert answer(code, found.audit, found.allowed["read"]) == Action.ALLOW
    assert answer(code, found.audit, found.allowed["tgkill"], (1,)) == Action.TRAP


def test_no_other_processor_is_supported():
    with pytest.raises(Unsupported, match="riscv64"):
        program("riscv64", PID)
