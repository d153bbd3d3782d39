// Multiplies quantised weights with columns, as they come and packed, with each of the libraries that
// are named: a line of JSON for each and each type. What the lines must say: packed-rows.test.ts.

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "ggml.h"

static const int LENGTH  = 768;  // three of the longest blocks
static const int ROWS    = 112;
static const int COLUMNS = 35;

struct weights {
    ggml_context *        context;
    ggml_tensor *         tensor;
    ggml_backend_buffer_t buffer;

    weights(ggml_type type, const std::vector<char> & data, ggml_backend_buffer_type_t where) {
        context = ggml_init({ ggml_tensor_overhead(), nullptr, true });
        tensor  = ggml_new_tensor_2d(context, type, LENGTH, ROWS);
        buffer  = ggml_backend_alloc_ctx_tensors_from_buft(context, where);
        ggml_backend_buffer_set_usage(buffer, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
        if (where_is_plain(where) || packs()) ggml_backend_tensor_set(tensor, data.data(), 0, data.size());
    }
    // Those that pack leave their mark on the tensor.
    bool packs() const { return tensor->extra != nullptr; }
    static bool where_is_plain(ggml_backend_buffer_type_t where) { return ggml_backend_buft_is_host(where); }
    ~weights() {
        ggml_backend_buffer_free(buffer);
        ggml_free(context);
    }
};

// `input` is what the second operand holds.
template <typename T>
static std::vector<float> compute(ggml_backend_t backend, const weights & w, ggml_tensor * (*op)(ggml_context *, ggml_tensor *, ggml_tensor *),
                                  ggml_type type, std::vector<int64_t> shape, const std::vector<T> & input) {
    ggml_context * context = ggml_init({ 4 * ggml_tensor_overhead() + ggml_graph_overhead(), nullptr, true });
    ggml_tensor *  x       = ggml_new_tensor(context, type, (int) shape.size(), shape.data());
    ggml_tensor *  y       = op(context, w.tensor, x);
    ggml_cgraph *  graph   = ggml_new_graph(context);
    ggml_build_forward_expand(graph, y);
    ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors(context, backend);
    ggml_backend_tensor_set(x, input.data(), 0, ggml_nbytes(x));
    ggml_backend_graph_compute(backend, graph);
    std::vector<float> result(ggml_nelements(y));
    ggml_backend_tensor_get(y, result.data(), 0, ggml_nbytes(y));
    ggml_backend_buffer_free(buffer);
    ggml_free(context);
    return result;
}

static bool begins_alike(const std::vector<float> & a, const std::vector<float> & b) {
    const size_t n = std::min(a.size(), b.size());
    return memcmp(a.data(), b.data(), n * sizeof(float)) == 0;
}

static double error_of(const std::vector<float> & a, const std::vector<double> & exact) {
    double sum = 0, all = 0;
    for (size_t i = 0; i < a.size(); i++) {
        sum += (a[i] - exact[i]) * (a[i] - exact[i]);
        all += exact[i] * exact[i];
    }
    return std::sqrt(sum / all);
}

static uint64_t digest_of(const std::vector<float> & values) {
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < values.size() * sizeof(float); i++) {
        hash = (hash ^ ((const unsigned char *) values.data())[i]) * 1099511628211u;
    }
    return hash;
}

static void examine(const char * library, ggml_backend_t backend, ggml_backend_set_n_threads_t set_threads,
                    ggml_backend_buffer_type_t packing, ggml_type type) {
    std::mt19937                    random(type);
    std::normal_distribution<float> normal;
    std::vector<float>              plain(LENGTH * ROWS), x(LENGTH * COLUMNS);
    for (float & v : plain) v = normal(random);
    for (float & v : x) v = normal(random);
    std::vector<char> data(ggml_row_size(type, LENGTH) * ROWS);
    ggml_quantize_chunk(type, plain.data(), data.data(), 0, ROWS, LENGTH, nullptr);
    ggml_get_type_traits(type)->to_float(data.data(), plain.data(), LENGTH * ROWS);

    const weights as_they_come(type, data, ggml_backend_get_default_buffer_type(backend));
    const weights packed(type, data, packing);
    if (!packed.packs()) {
        printf("{\"library\":\"%s\",\"type\":\"%s\"}\n", library, ggml_type_name(type));
        return;
    }

    std::vector<int32_t> ids;
    for (int i = 0; i < 40; i++) ids.push_back(i * 37 % ROWS);
    const auto rows = [&](const weights & w) {
        return compute(backend, w, ggml_get_rows, GGML_TYPE_I32, { 40 }, ids);
    };
    const auto times = [&](const weights & w, std::vector<int64_t> shape) {
        return compute(backend, w, ggml_mul_mat, GGML_TYPE_F32, shape, x);
    };

    std::vector<double> exact(ROWS * COLUMNS);
    for (int m = 0; m < COLUMNS; m++) {
        for (int r = 0; r < ROWS; r++) {
            double sum = 0;
            for (int i = 0; i < LENGTH; i++) sum += (double) plain[r * LENGTH + i] * x[m * LENGTH + i];
            exact[m * ROWS + r] = sum;
        }
    }

    set_threads(backend, 1);
    const bool rows_equal = begins_alike(rows(as_they_come), rows(packed));
    const auto all        = times(packed, { LENGTH, COLUMNS });
    bool same = true;
    for (int threads : { 1, 3 }) {
        set_threads(backend, threads);
        for (int n = 1; n <= COLUMNS; n++) same = same && begins_alike(times(packed, { LENGTH, n }), all);
        // Planes of columns, as a batch of sequences is.
        same = same && begins_alike(times(packed, { LENGTH, 3, 5, 2 }), all);
    }
    printf("{\"library\":\"%s\",\"type\":\"%s\",\"rowsEqual\":%s,\"sameBits\":%s,\"digest\":\"%016llx\",\"error\":%.4g,\"errorUnpacked\":%.4g}\n",
           library, ggml_type_name(type), rows_equal ? "true" : "false", same ? "true" : "false",
           (unsigned long long) digest_of(all), error_of(all, exact), error_of(times(as_they_come, { LENGTH, COLUMNS }), exact));
}

int main(int argc, char ** argv) {
    for (int i = 1; i < argc; i++) {
        void * library = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        // Of several libraries each says whether it runs here.
        const auto score = (int (*)()) dlsym(library, "ggml_backend_score");
        if (score != nullptr && score() == 0) continue;
        const auto reg_of = (ggml_backend_reg_t (*)()) dlsym(library, "ggml_backend_cpu_reg");
        const auto reg    = reg_of();
        const auto device = ggml_backend_reg_dev_get(reg, 0);
        const auto backend = ggml_backend_dev_init(device, nullptr);
        const auto set_threads =
            (ggml_backend_set_n_threads_t) ggml_backend_reg_get_proc_address(reg, "ggml_backend_set_n_threads");
        const auto extra =
            (ggml_backend_dev_get_extra_bufts_t) ggml_backend_reg_get_proc_address(reg, "ggml_backend_dev_get_extra_bufts");
        for (auto where = extra(device); where != nullptr && *where != nullptr; where++) {
            if (strcmp(ggml_backend_buft_name(*where), "CPU_REPACK") != 0) continue;
            for (ggml_type type : { GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q5_0, GGML_TYPE_Q8_0, GGML_TYPE_Q4_K,
                                    GGML_TYPE_Q5_K, GGML_TYPE_Q6_K }) {
                examine(argv[i], backend, set_threads, *where, type);
            }
        }
    }
    return 0;
}
