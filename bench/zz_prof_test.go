package bench
import ("testing";"context";"os";"fmt";"strconv";"runtime/debug";"runtime";"github.com/puente-project/puente/templates";"github.com/puente-project/puente/protocol";"runtime/pprof";"time")
var kindZ = bare
func init(){ if os.Getenv("L")!="" {kindZ=logged} }
func TestZZ(t *testing.T){
 n,_:=strconv.Atoi(os.Getenv("N")); k,_:=strconv.Atoi(os.Getenv("K"))
 s,_:=templates.NewVectorScheme(512)
 c:=Config{Scheme:s,Entries:n,Threads:1,Seed:1,Progress:func(string,int,int){}}
 runtime.GOMAXPROCS(1)
 st,err:=newStage(context.Background(),c,t.TempDir()); if err!=nil{t.Fatal(err)}
 defer st.close()
 debug.SetGCPercent(protocol.LimitGarbage(st.gallery.Bytes()))
 list:=manifest(st.people,n,k)
 st.session(context.Background(),list[:1],kindZ)
 f,_:=os.Create(fmt.Sprintf("/tmp/prof.%d.%d",n,k)); pprof.StartCPUProfile(f)
 b:=time.Now(); cpu:=Clock()
 for i:=0;i<300/k;i++{ st.session(context.Background(),list,kindZ) }
 d:=time.Since(b); pprof.StopCPUProfile()
 per:=float64(300/k*k)*float64(n)
 fmt.Println(n,k,micros(d)/per, micros(Clock()-cpu)/per)
}
