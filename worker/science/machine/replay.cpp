// Repeats the calls of a captured function from C++. Part of every library of kernels; its callers
// are in capture.py, which says what the numbers are.

#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

using Function = void (*)(const int64_t*);
using Sgemm = void (*)(const char*, const char*, const int*, const int*, const int*, const float*,
                       const float*, const int*, const float*, const int*, const float*, float*,
                       const int*);

// c [m, n] = a [m, k] @ b [k, n], with the same function that torch multiplies with. Its matrices
// are stored by columns and ours by rows, so it is given the product of the transposed ones.
extern "C" void product(const int64_t* given) {
    const auto sgemm = reinterpret_cast<Sgemm>(given[0]);
    const int m = given[1], k = given[2], n = given[3];
    const auto a = reinterpret_cast<const float*>(given[4]);
    const auto b = reinterpret_cast<const float*>(given[5]);
    const auto c = reinterpret_cast<float*>(given[6]);
    const int a_step = given[7], b_step = given[8], c_step = given[9];
    const char* a_turned = given[10] ? "T" : "N";
    const char* b_turned = given[11] ? "T" : "N";
    const float one = 1, zero = 0;
    sgemm(b_turned, a_turned, &n, &m, &k, &one, b, &b_step, a, &a_step, &zero, c, &c_step);
}

using Tensor = void*;  // torch's, behind its C interface
using Lent = int32_t (*)(void*, int64_t, const int64_t*, const int64_t*, int64_t, int32_t, int32_t,
                         int32_t, Tensor*);
using Linear = int32_t (*)(Tensor, Tensor, Tensor*, const char*, const double**, int64_t,
                           const char**, Tensor*);
using Data = int32_t (*)(Tensor, void**);
using Delete = int32_t (*)(Tensor);
constexpr int32_t FLOAT32 = 6, PROCESSOR = 0;

// The same by oneDNN, as products.py has it; that can only be reached through torch.
extern "C" void wide_product(const int64_t* given) {
    const auto lent = reinterpret_cast<Lent>(given[0]);
    const auto linear = reinterpret_cast<Linear>(given[1]);
    const auto data = reinterpret_cast<Data>(given[2]);
    const auto discard = reinterpret_cast<Delete>(given[3]);
    const int64_t m = given[4], k = given[5], n = given[6];
    const int64_t sizes[] = {m, k}, steps[] = {k, 1}, turned[] = {n, k}, turned_steps[] = {1, n};
    Tensor a, b, made;
    void* numbers;
    if (lent(reinterpret_cast<void*>(given[7]), 2, sizes, steps, 0, FLOAT32, PROCESSOR, 0, &a) ||
        lent(reinterpret_cast<void*>(given[8]), 2, turned, turned_steps, 0, FLOAT32, PROCESSOR, 0,
             &b) ||
        linear(a, b, nullptr, "none", nullptr, 0, nullptr, &made) || data(made, &numbers))
        throw std::runtime_error("oneDNN failed to multiply");
    std::memcpy(reinterpret_cast<void*>(given[9]), numbers, m * n * sizeof(float));
    for (Tensor tensor : {a, b, made}) discard(tensor);
}

struct Captured {
    int64_t calls;
    const Function* functions;  // [calls]
    const int64_t* first;       // [calls + 1], of each call's arguments
    const int64_t* place;       // [arguments], what an address is relative to
    const int64_t* offset;      // [arguments], in bytes from there; for a plain number, it itself
};

struct Motion {
    int64_t places;
    const int64_t* step;     // [places], by how much each moves from one time to the next
    int64_t swaps;
    const int64_t* swapped;  // [2 * swaps], places that change roles from one time to the next
};

// Makes all calls of a captured function so many times; `where` [places] goes on from time to time.
extern "C" void replay(const Captured* captured, const Motion* motion, int64_t* where,
                       int64_t times) {
    const auto [calls, functions, first, place, offset] = *captured;
    const auto [places, step, swaps, swapped] = *motion;
    std::vector<int64_t> arguments(first[calls]);
    for (int64_t time = 0; time < times; ++time) {
        for (size_t n = 0; n < arguments.size(); ++n) arguments[n] = where[place[n]] + offset[n];
        for (int64_t call = 0; call < calls; ++call) functions[call](&arguments[first[call]]);
        for (int64_t n = 0; n < places; ++n) where[n] += step[n];
        for (int64_t n = 0; n < swaps; ++n)
            std::swap(where[swapped[2 * n]], where[swapped[2 * n + 1]]);
    }
}
