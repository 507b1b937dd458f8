/**
 * What the job runs: PyTorch where there is one, else the driver's own library, which needs nothing but Python. It holds 1 GiB and keeps the GPU
 * busy for as many seconds as it is told.
 */
export const cudaProgram = `
import ctypes, os, sys, time
seconds = float(sys.argv[1])
print("CUDA_VISIBLE_DEVICES=" + os.environ.get("CUDA_VISIBLE_DEVICES", ""), flush=True)

def size_of(free):
    return min(1 << 30, free // 2)

def with_torch():
    import torch
    if not torch.cuda.is_available():
        raise RuntimeError("this PyTorch has no CUDA")
    print("PyTorch", torch.__version__, torch.cuda.get_device_name(0), torch.cuda.device_count(), "device(s)", flush=True)
    held = torch.empty(size_of(torch.cuda.mem_get_info()[0]), dtype=torch.uint8, device="cuda")
    a = torch.randn(4096, 4096, device="cuda")
    end = time.time() + seconds
    while time.time() < end:
        for _ in range(20):
            a = (a @ a).tanh()
        torch.cuda.synchronize()
    print("done", held.numel())

def with_driver():
    cuda = ctypes.CDLL("libcuda.so.1")
    def check(result, what):
        if result != 0:
            sys.exit("%s: CUDA error %d" % (what, result))
    check(cuda.cuInit(0), "cuInit")
    count, device, context, pointer = ctypes.c_int(), ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
    check(cuda.cuDeviceGetCount(ctypes.byref(count)), "cuDeviceGetCount")
    check(cuda.cuDeviceGet(ctypes.byref(device), 0), "cuDeviceGet")
    name = ctypes.create_string_buffer(100)
    check(cuda.cuDeviceGetName(name, 100, device), "cuDeviceGetName")
    print("driver API", name.value.decode(), count.value, "device(s)", flush=True)
    check(cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device), "cuDevicePrimaryCtxRetain")
    check(cuda.cuCtxSetCurrent(context), "cuCtxSetCurrent")
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    check(cuda.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total)), "cuMemGetInfo")
    words = size_of(free.value) // 4
    check(cuda.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(words * 4)), "cuMemAlloc")
    end = time.time() + seconds
    while time.time() < end:
        for value in range(200):
            check(cuda.cuMemsetD32_v2(pointer, ctypes.c_uint(value), ctypes.c_size_t(words)), "cuMemsetD32")
        check(cuda.cuCtxSynchronize(), "cuCtxSynchronize")
    print("done", words * 4)

try:
    with_torch()
except Exception as why:
    print("without PyTorch:", why, flush=True)
    with_driver()
`;
