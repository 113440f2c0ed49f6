// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/kernel_cache.hpp"
#include "daemon/vmm/sha256.hpp"
#include "tests/unit/vmm/scene.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <thread>

namespace {

using namespace mshv;
using vmm::KernelCache;

posix::Deadline soon() {
    return posix::Deadline::after(std::chrono::seconds(20));
}

/// A bzImage whose payload is an ELF file, not compressed, with a PVH note.
void write_kernel(const std::string& path, char filler, std::size_t size = 5000) {
    std::string elf(sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + 20 + size, filler);
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_machine = EM_X86_64;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 1;
    header.e_phoff = sizeof header;
    Elf64_Phdr segment{};
    segment.p_type = PT_NOTE;
    segment.p_offset = sizeof header + sizeof segment;
    segment.p_filesz = 20;
    const Elf64_Nhdr note{4, 4, 18};
    std::memcpy(elf.data(), &header, sizeof header);
    std::memcpy(elf.data() + sizeof header, &segment, sizeof segment);
    std::memcpy(elf.data() + segment.p_offset, &note, sizeof note);
    std::memcpy(elf.data() + segment.p_offset + sizeof note, "Xen\0\0\0\0\0", 8);
    std::string image(1024, '\0');
    image[0x1f1] = 1;
    image[0x1fe] = '\x55';
    image[0x1ff] = '\xaa';
    std::memcpy(image.data() + 0x202, "HdrS\x0f\x02", 6);
    const auto length = static_cast<std::uint32_t>(elf.size());
    std::memcpy(image.data() + 0x24c, &length, 4);
    std::ofstream(path, std::ios::binary) << image << elf;
}

std::string digest(const std::string& text) {
    vmm::Sha256 hash;
    hash.add({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
    return hash.finish();
}

struct Scene {
    test::Folder folder;
    std::set<std::string> pinned;
    std::string program = MSHV_KERNEL_IMAGE;

    std::unique_ptr<KernelCache> cache(std::uint64_t limit = 1UL << 30U) {
        return std::make_unique<KernelCache>(folder / "cache", program, limit,
                                             [this] { return pinned; });
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(sha256_gives_the_standards_values) {
    BOOST_TEST(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    BOOST_TEST(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    BOOST_TEST(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    BOOST_TEST(digest(std::string(1'000'000, 'a')) ==
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    // However it is cut.
    const std::string text(300, 'x');
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        vmm::Sha256 hash;
        const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
        hash.add({bytes, cut});
        hash.add({bytes + cut, text.size() - cut});
        BOOST_TEST(hash.finish() == digest(text));
    }
}

BOOST_AUTO_TEST_CASE(a_kernel_is_unpacked_once) {
    Scene scene;
    const std::string kernel = scene.folder / "vmlinuz";
    write_kernel(kernel, 'k');
    const auto first = scene.cache()->find(kernel, soon());
    BOOST_REQUIRE_MESSAGE(!first.path.empty(), first.why);
    BOOST_TEST(first.path.ends_with("/vmlinux"));
    BOOST_TEST(posix::read_file(first.path, 1UL << 20U).substr(1, 3) == "ELF");
    struct stat before {};
    BOOST_REQUIRE_EQUAL(::stat(first.path.c_str(), &before), 0);
    // Another daemon finds it by the index, without a program to unpack with.
    scene.program = "/no/such/program";
    const auto second = scene.cache()->find(kernel, soon());
    BOOST_TEST(second.path == first.path);
    // A copy has other numbers and the same content.
    std::ofstream(scene.folder / "copy", std::ios::binary) << posix::read_file(kernel, 1UL << 20U);
    BOOST_TEST(scene.cache()->find(scene.folder / "copy", soon()).path == first.path);
}

BOOST_AUTO_TEST_CASE(a_replaced_kernel_is_another) {
    Scene scene;
    const std::string kernel = scene.folder / "vmlinuz";
    const auto cache = scene.cache();
    write_kernel(kernel, 'a');
    const auto first = cache->find(kernel, soon());
    write_kernel(kernel, 'b');
    const auto second = cache->find(kernel, soon());
    BOOST_TEST(!second.path.empty());
    BOOST_TEST(first.path != second.path);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_unpacked_is_remembered_with_its_reason) {
    Scene scene;
    const std::string text = scene.folder / "text";
    std::ofstream(text) << std::string(5000, 'x');
    BOOST_TEST(scene.cache()->find(text, soon()).why == "it is no bzImage");
    scene.program = "/no/such/program";
    BOOST_TEST(scene.cache()->find(text, soon()).why == "it is no bzImage");
    BOOST_TEST(!scene.cache()->find(scene.folder / "none", soon()).why.empty());
}

BOOST_AUTO_TEST_CASE(a_failure_of_the_moment_is_not_remembered) {
    Scene scene;
    const std::string kernel = scene.folder / "vmlinuz";
    write_kernel(kernel, 'k');
    const auto cache = scene.cache();
    scene.program = "/bin/false";
    BOOST_TEST(scene.cache()->find(kernel, soon()).path.empty());
    BOOST_TEST(!cache->find(kernel, soon()).path.empty());
}

BOOST_AUTO_TEST_CASE(many_starts_share_one_unpacking) {
    Scene scene;
    const std::string kernel = scene.folder / "vmlinuz";
    write_kernel(kernel, 'k', 5'000'000);
    const auto cache = scene.cache();
    std::atomic<int> good = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&] { good += cache->find(kernel, soon()).path.empty() ? 0 : 1; });
        }
    }
    BOOST_TEST(good == 8);
}

BOOST_AUTO_TEST_CASE(the_cache_is_bounded_but_for_what_runs) {
    Scene scene;
    std::vector<std::string> paths;
    const timespec long_ago[2] = {{1'000'000, 0}, {1'000'000, 0}};
    for (int i = 0; i < 4; ++i) {
        const std::string kernel = scene.folder / ("vmlinuz" + std::to_string(i));
        write_kernel(kernel, static_cast<char>('a' + i), 100'000);
        if (i == 3) {
            scene.pinned = {paths[0]};
        }
        // Room for two; the first three are put in without a bound and made old.
        const auto found = scene.cache(i < 3 ? 1UL << 30U : 250'000)->find(kernel, soon());
        BOOST_REQUIRE(!found.path.empty());
        paths.push_back(found.path);
        if (i < 3) {
            BOOST_REQUIRE_EQUAL(::utimensat(AT_FDCWD, found.path.c_str(), long_ago, 0), 0);
        }
    }
    const auto there = [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; };
    BOOST_TEST(there(paths[0])); // a running partition reboots with it
    BOOST_TEST(!there(paths[1]));
    BOOST_TEST(!there(paths[2]));
    BOOST_TEST(there(paths[3]));
}
